package dev.acclimate.simulate.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.simulate.data.ImageShape;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class SampleStripTest {

  private static BufferedImage decoded(SampleStrip strip) throws IOException {
    String uri = strip.dataUri();
    assertThat(uri).startsWith("data:image/png;base64,");
    byte[] png = Base64.getDecoder().decode(uri.substring(uri.indexOf(',') + 1));
    return ImageIO.read(new ByteArrayInputStream(png));
  }

  @Test
  void showsPixelsAsTheyAre() throws IOException {
    float[] left = {1, 0, 0, 0.2f, 0, 0}; // [3, 1, 2]: red, then a dark green
    float[] right = {0, 1, 0, 1, 1, 1}; // blue, then white

    BufferedImage image =
        decoded(SampleStrip.of(new ImageShape(3, 1, 2), List.of(left, right), 0, 1));

    assertThat(image.getWidth()).isEqualTo(5);
    assertThat(image.getHeight()).isEqualTo(1);
    assertThat(image.getRGB(0, 0)).isEqualTo(0xffff0000);
    assertThat(image.getRGB(1, 0)).isEqualTo(0xff003300);
    assertThat(image.getRGB(2, 0) >>> 24).as("the gap").isZero();
    assertThat(image.getRGB(3, 0)).isEqualTo(0xff0000ff);
    assertThat(image.getRGB(4, 0)).isEqualTo(0xffffffff);
  }

  @Test
  void makesLargeGreyImagesSmaller() throws IOException {
    ImageShape shape = new ImageShape(1, 128, 130);
    float[] image = new float[shape.size()];
    for (int i = 0; i < image.length; i++) {
      image[i] = i % 3 - 1; // means of -1, 0 and 1
    }

    BufferedImage small = decoded(SampleStrip.of(shape, List.of(image), -1, 1));

    assertThat(small.getWidth()).isEqualTo(43);
    assertThat(small.getHeight()).isEqualTo(42);
    assertThat(small.getRGB(7, 7)).isEqualTo(0xff808080);
  }
}

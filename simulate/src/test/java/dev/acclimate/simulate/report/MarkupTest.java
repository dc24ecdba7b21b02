package dev.acclimate.simulate.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.StringReader;
import javax.xml.parsers.DocumentBuilderFactory;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.NotEmpty;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;

/** Whatever text goes in, an HTML parser gets the same text out. */
class MarkupTest {
  private static final String DOCTYPE = "<!doctype html>\n";

  private static Element parsed(Markup markup) throws Exception {
    String xml = markup.toString().substring(DOCTYPE.length());
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(xml)))
        .getDocumentElement();
  }

  @Property
  void textAndAttributesComeBackAsTheyWere(@ForAll @NotEmpty String any) throws Exception {
    // what XML cannot hold or a parser makes into something else
    String text = any.replaceAll("[^\\x20-\\uD7FF]", "?");

    Element element = parsed(new Markup().element("p", text, "title", text));

    assertThat(element.getTextContent()).isEqualTo(text);
    assertThat(element.getAttribute("title")).isEqualTo(text);
    assertThat(element.getAttributes().getLength()).isEqualTo(1);
  }

  @Test
  void namesMayBreakBehindUnderscoresAndBrackets() {
    Markup markup = new Markup().open("code").name("a_b[c=<1>;d]").close();

    assertThat(markup.toString()).contains("<code>a_<wbr>b[<wbr>c=&lt;1&gt;;<wbr>d]</code>");
  }

  @Test
  void refusesAPageThatIsNotClosed() {
    assertThatThrownBy(() -> new Markup().open("div").open("p").close().toString())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("div");
  }
}

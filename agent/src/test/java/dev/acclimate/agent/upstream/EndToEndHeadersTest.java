package dev.acclimate.agent.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.MultiMap;
import org.junit.jupiter.api.Test;

class EndToEndHeadersTest {
  @Test
  void leavesOutWhatIsAboutTheConnectionAndWhatItNames() {
    MultiMap headers =
        MultiMap.caseInsensitiveMultiMap()
            .add("Connection", "close, X-Hop")
            .add("x-hop", "1")
            .add("Keep-Alive", "timeout=5")
            .add("Transfer-Encoding", "chunked")
            .add("Host", "a")
            .add("Content-Length", "3")
            .add(":path", "/")
            .add("Inference-Header-Content-Length", "90")
            .add("Cookie", "a=1")
            .add("Cookie", "b=2");

    MultiMap kept = EndToEndHeaders.of(headers);

    assertThat(kept.names()).containsExactlyInAnyOrder("Inference-Header-Content-Length", "Cookie");
    assertThat(kept.getAll("cookie")).containsExactly("a=1", "b=2");
  }
}

package dev.acclimate.agent.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.math.BigDecimal;
import java.math.BigInteger;

/** How the text of an environment variable stands for what YAML would hold. */
enum Form {
  TEXT {
    @Override
    JsonNode node(String text) {
      return NODES.textNode(text);
    }
  },
  WHOLE_NUMBER {
    @Override
    JsonNode node(String text) {
      try {
        return NODES.numberNode(new BigInteger(text));
      } catch (NumberFormatException e) {
        return NODES.textNode(text); // refused as any other text is
      }
    }
  },
  NUMBER {
    @Override
    JsonNode node(String text) {
      try {
        return NODES.numberNode(new BigDecimal(text));
      } catch (NumberFormatException e) {
        return NODES.textNode(text);
      }
    }
  },
  FLAG {
    @Override
    JsonNode node(String text) {
      return switch (text) {
        case "true" -> NODES.booleanNode(true);
        case "false" -> NODES.booleanNode(false);
        default -> NODES.textNode(text);
      };
    }
  },
  LIST {
    @Override
    JsonNode node(String text) {
      ArrayNode list = NODES.arrayNode();
      for (String one : text.split(",", -1)) {
        list.add(one.strip());
      }
      return list;
    }
  },
  /** A section of names that are not ours to know; a variable holds one of its values. */
  NAMES {
    @Override
    JsonNode node(String text) {
      return NODES.textNode(text);
    }
  };

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  abstract JsonNode node(String text);
}

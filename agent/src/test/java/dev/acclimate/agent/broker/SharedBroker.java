package dev.acclimate.agent.broker;

/** One broker for all tests of this module, stopped when the JVM ends. */
public final class SharedBroker {
  private SharedBroker() {}

  public static EmbeddedBroker get() {
    return Holder.BROKER;
  }

  private static final class Holder {
    static final EmbeddedBroker BROKER = EmbeddedBroker.start();

    static {
      Runtime.getRuntime().addShutdownHook(new Thread(BROKER::close));
    }
  }
}

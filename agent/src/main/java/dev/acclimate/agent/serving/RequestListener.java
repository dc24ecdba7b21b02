package dev.acclimate.agent.serving;

/** Is told what became of inference requests, on any thread. */
public interface RequestListener {
  /** Listens to nothing. */
  RequestListener NONE =
      new RequestListener() {
        @Override
        public void answered(String model, long nanos) {}

        @Override
        public void refused(String model) {}
      };

  /** A request was answered, so long after its body was there. */
  void answered(String model, long nanos);

  /** A request for a model that is there was not answered: it was wrong, late or too much. */
  void refused(String model);
}

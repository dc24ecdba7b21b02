package dev.acclimate.streams;

import java.util.List;
import java.util.Map;

/**
 * A lane's place in the fold, as recovered.
 *
 * @param sequence batches committed
 * @param checkpoint the journal offset of the last checkpoint, -1 for none
 * @param control the journal offset up to which controls were obeyed, -1 where none is known
 * @param variants where other variants' last checkpoints lie
 * @param streams the streams that have a state or are ahead of the committed offset
 */
record LaneSnapshot(
    long sequence,
    long checkpoint,
    long control,
    Map<String, Long> variants,
    List<StreamState> streams) {}

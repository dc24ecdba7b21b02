package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Weights that a model keeps in files beside it. */
final class ExternalData {
  private ExternalData() {}

  /** The model with external initializers read into it. */
  static ModelProto inline(ModelProto proto, Path modelFile) {
    boolean any = proto.getGraph().getInitializerList().stream().anyMatch(ExternalData::isExternal);
    if (!any) {
      return proto;
    }
    GraphProto.Builder graph = proto.getGraph().toBuilder();
    for (int i = 0; i < graph.getInitializerCount(); i++) {
      TensorProto tensor = graph.getInitializer(i);
      if (isExternal(tensor)) {
        graph.setInitializer(i, load(tensor, modelFile));
      }
    }
    return proto.toBuilder().setGraph(graph).build();
  }

  private static boolean isExternal(TensorProto tensor) {
    return tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL;
  }

  private static long number(TensorProto tensor, Path modelFile, StringStringEntryProto entry) {
    try {
      return Long.parseLong(entry.getValue());
    } catch (NumberFormatException e) {
      throw new InvalidInputException(
          modelFile
              + ": weights of '"
              + tensor.getName()
              + "': '"
              + entry.getKey()
              + "': expected a number, found '"
              + entry.getValue()
              + "'",
          e);
    }
  }

  private static TensorProto load(TensorProto tensor, Path modelFile) {
    String location = "";
    long offset = 0;
    long length = -1;
    for (StringStringEntryProto entry : tensor.getExternalDataList()) {
      switch (entry.getKey()) {
        case "location" -> location = entry.getValue();
        case "offset" -> offset = number(tensor, modelFile, entry);
        case "length" -> length = number(tensor, modelFile, entry);
        default -> {} // a checksum, or what later versions add
      }
    }
    Path folder = modelFile.toAbsolutePath().resolveSibling("").normalize();
    String where = modelFile + ": weights of '" + tensor.getName() + "' in '" + location + "'";
    Path file;
    try {
      file = folder.resolve(location).normalize();
    } catch (InvalidPathException e) {
      throw new InvalidInputException(where + ": not a file name: " + e.getReason(), e);
    }
    try {
      // the real path, so that a link does not lead out either
      if (!file.startsWith(folder) || !file.toRealPath().startsWith(folder.toRealPath())) {
        throw new InvalidInputException(where + " lie outside the model's folder");
      }
      try (RandomAccessFile data = new RandomAccessFile(file.toFile(), "r")) {
        long size = length >= 0 ? length : data.length() - offset;
        if (offset < 0 || size < 0 || size > data.length() - offset) {
          throw new InvalidInputException(
              where
                  + ": expected "
                  + Math.max(length, 0)
                  + " bytes from "
                  + offset
                  + " on, found "
                  + data.length()
                  + " in all");
        }
        byte[] bytes = new byte[Math.toIntExact(size)];
        data.seek(offset);
        data.readFully(bytes);
        return tensor.toBuilder()
            .clearExternalData()
            .clearDataLocation()
            .setRawData(ByteString.copyFrom(bytes))
            .build();
      }
    } catch (IOException e) {
      throw new InvalidInputException(
          where + (Files.exists(file) ? " cannot be read: " + e : " are missing"), e);
    }
  }
}

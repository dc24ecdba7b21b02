package dev.acclimate.simulate.data;

import java.util.List;

/**
 * One of the two sets of Krizhevsky 2009, as its binary version is laid out.
 *
 * @param id the name after {@code --data} and in reports
 * @param labelBytes bytes before the pixels of a record; the last of them is the class
 * @param testFiles names of files, without their endings
 * @param trainFiles likewise
 * @param folders what folders with these files are usually called
 * @param classes class names in label order
 */
record CifarVersion(
    String id,
    int labelBytes,
    List<String> testFiles,
    List<String> trainFiles,
    List<String> folders,
    List<String> classes) {

  static final CifarVersion CIFAR10 =
      new CifarVersion(
          "cifar10",
          1,
          List.of("test_batch"),
          List.of("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"),
          List.of("cifar10", "cifar-10-batches-bin"),
          List.of(
              "airplane",
              "automobile",
              "bird",
              "cat",
              "deer",
              "dog",
              "frog",
              "horse",
              "ship",
              "truck"));

  /** A record begins with the superclass, which is not read, and the class. */
  static final CifarVersion CIFAR100 =
      new CifarVersion(
          "cifar100",
          2,
          List.of("test"),
          List.of("train"),
          List.of("cifar100", "cifar-100-binary"),
          List.of(
              "apple",
              "aquarium_fish",
              "baby",
              "bear",
              "beaver",
              "bed",
              "bee",
              "beetle",
              "bicycle",
              "bottle",
              "bowl",
              "boy",
              "bridge",
              "bus",
              "butterfly",
              "camel",
              "can",
              "castle",
              "caterpillar",
              "cattle",
              "chair",
              "chimpanzee",
              "clock",
              "cloud",
              "cockroach",
              "couch",
              "crab",
              "crocodile",
              "cup",
              "dinosaur",
              "dolphin",
              "elephant",
              "flatfish",
              "forest",
              "fox",
              "girl",
              "hamster",
              "house",
              "kangaroo",
              "keyboard",
              "lamp",
              "lawn_mower",
              "leopard",
              "lion",
              "lizard",
              "lobster",
              "man",
              "maple_tree",
              "motorcycle",
              "mountain",
              "mouse",
              "mushroom",
              "oak_tree",
              "orange",
              "orchid",
              "otter",
              "palm_tree",
              "pear",
              "pickup_truck",
              "pine_tree",
              "plain",
              "plate",
              "poppy",
              "porcupine",
              "possum",
              "rabbit",
              "raccoon",
              "ray",
              "road",
              "rocket",
              "rose",
              "sea",
              "seal",
              "shark",
              "shrew",
              "skunk",
              "skyscraper",
              "snail",
              "snake",
              "spider",
              "squirrel",
              "streetcar",
              "sunflower",
              "sweet_pepper",
              "table",
              "tank",
              "telephone",
              "television",
              "tiger",
              "tractor",
              "train",
              "trout",
              "tulip",
              "turtle",
              "wardrobe",
              "whale",
              "willow_tree",
              "wolf",
              "woman",
              "worm"));

  /** Names of a split's files, without their endings. */
  List<String> files(Split split) {
    return split == Split.TEST ? testFiles : trainFiles;
  }
}

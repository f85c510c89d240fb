/// The classes of a data set in three disjoint parts for meta-learning: tasks are learned from the first, choices are made by the second,
/// and the third is unseen until the end.
public struct ClassSplit: Codable, Hashable, Sendable {
  /// Labels of the classes that meta-training draws its tasks from, ascending.
  public let training: [Int]
  /// Labels of the classes whose tasks accompany meta-training, ascending.
  public let validation: [Int]
  /// Labels of the classes that only the final tasks are made of, ascending.
  public let test: [Int]

  /// Divides the labels 0 ..< classes at random: ⌊0.64·n⌋ for training, ⌊0.16·n⌋ for validation, at least one each, and the rest for the
  /// test. That is 64/16/20 of CIFAR-100's classes and 30/7/10 of the 47 of EMNIST.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` for fewer than three classes.
  public init(classes: Int, seed: UInt64) throws {
    guard classes >= 3 else {
      throw DatasetError.badRequest("a split of \(classes) classes: training, validation and test need at least one each")
    }
    let first = max(classes * 64 / 100, 1)
    let second = max(classes * 16 / 100, 1)
    var order = Array(0..<classes)
    var generator = SeededGenerator(seed: seed, .classes)
    generator.shuffle(&order)
    training = order[..<first].sorted()
    validation = order[first..<(first + second)].sorted()
    test = order[(first + second)...].sorted()
  }
}

/// The number of examples that a criterion scores on by default: `max(total, perClass · classes)`.
public struct ExampleCount: Hashable, Sendable {
  /// Minimum number of examples in total.
  public var total: Int
  /// Minimum number of examples of each class.
  public var perClass: Int

  /// Creates a count from the minimum in total and of each class.
  public init(_ total: Int, perClass: Int = 0) {
    self.total = total
    self.perClass = perClass
  }

  /// Default of criteria that average over many examples: 1,000.
  public static let usual = ExampleCount(1000)

  /// Returns the number of examples for a data set with the given number of classes.
  public func count(classes: Int) -> Int {
    let (product, overflow) = perClass.multipliedReportingOverflow(by: max(classes, 0))
    return max(total, overflow ? .max : product)
  }
}

extension PruningPlan {
  /// The number of training examples for criteria and repairs: the plan's ``examples``, else the criterion's default, and for repairs at
  /// least 1,000.
  ///
  /// - Parameter classes: number of classes of the data set.
  public func exampleCount(classes: Int) -> Int {
    if let examples { return examples }
    let wanted = criterion.definition.examples.count(classes: classes)
    return repairs.isEmpty ? wanted : max(wanted, ExampleCount.usual.count(classes: classes))
  }
}

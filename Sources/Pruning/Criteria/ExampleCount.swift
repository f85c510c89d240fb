/// How many labelled examples a criterion looks at, unless a plan says otherwise.
public struct ExampleCount: Hashable, Sendable {
  /// At least so many in all.
  public var total: Int
  /// At least so many of each class.
  public var perClass: Int

  /// At least this many, in all and of each class.
  public init(_ total: Int, perClass: Int = 0) {
    self.total = total
    self.perClass = perClass
  }

  /// What criteria that average over many examples take.
  public static let usual = ExampleCount(1000)

  /// The number for a data set of so many classes.
  public func count(classes: Int) -> Int {
    let (product, overflow) = perClass.multipliedReportingOverflow(by: max(classes, 0))
    return max(total, overflow ? .max : product)
  }
}

extension PruningPlan {
  /// Training examples that criteria and repairs look at: what the plan says, else what the criterion wants, and for repairs not
  /// fewer than the usual 1,000.
  ///
  /// - Parameter classes: of the data set.
  public func exampleCount(classes: Int) -> Int {
    if let examples { return examples }
    let wanted = criterion.definition.examples.count(classes: classes)
    return repairs.isEmpty ? wanted : max(wanted, ExampleCount.usual.count(classes: classes))
  }
}

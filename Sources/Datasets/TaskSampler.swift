/// N-way K-shot tasks: small classification problems of N classes, with K labelled examples of each to learn from (the support) and
/// others to judge by (the query).
///
/// A task is a pure function of seed and index, whatever was sampled before.
///
/// ```swift
/// let split = try ClassSplit(classes: set.classes, seed: 1)
/// let tasks = try TaskSampler(set, classes: split.training, form: .init(ways: 5, shots: 5, queries: 15), seed: 1)
/// let first = tasks.task(0)
/// ```
public struct TaskSampler: Sendable {
  /// The size of a task.
  public struct Form: Codable, Hashable, Sendable {
    /// Number N of classes.
    public var ways: Int
    /// Number K of support examples of each class.
    public var shots: Int
    /// Number of query examples of each class.
    public var queries: Int

    /// Creates a form; every parameter sets the property of the same name.
    public init(ways: Int = 5, shots: Int = 5, queries: Int = 15) {
      self.ways = ways
      self.shots = shots
      self.queries = queries
    }
  }

  /// One task: which classes it has and which examples of them.
  public struct Task: Hashable, Sendable {
    /// The data set's label of each of the task's own labels 0 ..< N.
    public var classes: [Int]
    /// Support examples, one of each class in turn: the one at position i has the task's label i mod N.
    public var support: [Int]
    /// Query examples, in the same order.
    public var query: [Int]
  }

  /// The size of the tasks.
  public let form: Form
  /// Labels of the classes that tasks are made of.
  public let classes: [Int]
  private let examples: [[Int]]
  private let seed: UInt64

  /// Creates a sampler over some classes of a set; all of them unless given.
  ///
  /// A set that is one task itself, e.g. one of several data sets, is sampled with as many ways as it has classes.
  /// - Throws: ``DatasetError/badRequest(_:)`` if classes or examples are too few.
  public init(_ set: ExampleSet, classes: [Int]? = nil, form: Form, seed: UInt64) throws {
    let classes = classes ?? Array(0..<set.classes)
    guard form.ways >= 2, form.shots >= 1, form.queries >= 1 else {
      throw DatasetError.badRequest(
        "tasks of \(form.ways) classes with \(form.shots) + \(form.queries) examples each: they need at least 2 with 1 + 1")
    }
    if let wrong = classes.first(where: { !(0..<set.classes).contains($0) }) {
      throw DatasetError.badRequest("class \(wrong) of \(set.name): there are \(set.classes), from 0")
    }
    guard form.ways <= classes.count else {
      throw DatasetError.badRequest("tasks of \(form.ways) classes: there are \(classes.count) of \(set.name) to draw from")
    }
    let all = set.examplesByClass()
    let (needed, overflow) = form.shots.addingReportingOverflow(form.queries)
    if let scarce = classes.first(where: { overflow || all[$0].count < needed }) {
      throw DatasetError.badRequest(
        "tasks with \(form.shots) + \(form.queries) examples of each class: class \(set.classNames[scarce].debugDescription) of "
          + "\(set.name) has \(all[scarce].count)")
    }
    self.form = form
    self.classes = classes
    self.seed = seed
    examples = classes.map { all[$0] }
  }

  /// Returns the task of an index: N classes in random order, and K + Q examples of each without repetition.
  public func task(_ index: UInt64) -> Task { draw(index, from: Array(classes.indices)) }

  /// Returns the task of an index made of classes that another task does not have, e.g. a pseudo-test (MLDG); nil if there are too few.
  public func task(_ index: UInt64, apartFrom other: Task) -> Task? {
    let left = classes.indices.filter { !other.classes.contains(classes[$0]) }
    return left.count < form.ways ? nil : draw(index, from: left)
  }

  private func draw(_ index: UInt64, from places: [Int]) -> Task {
    var generator = SeededGenerator(seed: seed, .tasks, index)
    let chosen = Self.distinct(form.ways, below: places.count, &generator).map { places[$0] }
    let drawn = chosen.map { place in
      Self.distinct(form.shots + form.queries, below: examples[place].count, &generator).map { examples[place][$0] }
    }
    func part(_ range: Range<Int>) -> [Int] { range.flatMap { shot in drawn.map { $0[shot] } } }
    return Task(
      classes: chosen.map { classes[$0] }, support: part(0..<form.shots), query: part(form.shots..<(form.shots + form.queries)))
  }

  /// Returns distinct numbers below a bound in random order, without a list of all (Floyd's algorithm; Bentley & Floyd 1987).
  private static func distinct(_ count: Int, below bound: Int, _ generator: inout SeededGenerator) -> [Int] {
    var chosen: [Int] = []
    chosen.reserveCapacity(count)
    for last in (bound - count)..<bound {
      let number = Int(generator.next(below: UInt64(last) + 1))
      chosen.append(chosen.contains(number) ? last : number)
    }
    generator.shuffle(&chosen)
    return chosen
  }
}

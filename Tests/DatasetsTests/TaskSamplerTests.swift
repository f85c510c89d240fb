import Testing

@testable import Datasets

@Suite struct TaskSamplerTests {
  /// Twelve classes of ten examples each, in turn.
  private func set(classes: Int = 12, each: Int = 10) throws -> ExampleSet {
    let labels = (0..<(classes * each)).map { Int64($0 % classes) }
    return try ExampleSet(
      bytes: [UInt8](repeating: 0, count: labels.count), labels: labels, channels: 1, height: 1, width: 1,
      classNames: (0..<classes).map { "c\($0)" })
  }

  @Test func publishedSplitsComeOut() throws {
    for (classes, parts) in [(47, [30, 7, 10]), (100, [64, 16, 20]), (10, [6, 1, 3]), (3, [1, 1, 1])] {
      for seed in 0..<20 as Range<UInt64> {
        let split = try ClassSplit(classes: classes, seed: seed)
        #expect([split.training.count, split.validation.count, split.test.count] == parts)
        #expect((split.training + split.validation + split.test).sorted() == Array(0..<classes), "seed \(seed)")
        #expect(split == (try ClassSplit(classes: classes, seed: seed)))
      }
    }
    #expect(try ClassSplit(classes: 47, seed: 1) != ClassSplit(classes: 47, seed: 2))
    #expect(throws: DatasetError.badRequest("a split of 2 classes: training, validation and test need at least one each")) {
      try ClassSplit(classes: 2, seed: 0)
    }
  }

  @Test func tasksAreBalancedAndWithoutRepetition() throws {
    let set = try set()
    let form = TaskSampler.Form(ways: 5, shots: 3, queries: 7)
    let classes = [0, 2, 3, 5, 7, 8, 11]
    for seed in 0..<20 as Range<UInt64> {
      let sampler = try TaskSampler(set, classes: classes, form: form, seed: seed)
      for index in 0..<20 as Range<UInt64> {
        let task = sampler.task(index)
        #expect(task.classes.count == 5 && Set(task.classes).count == 5 && task.classes.allSatisfy(classes.contains))
        #expect(task.support.count == 15 && task.query.count == 35)
        #expect(Set(task.support + task.query).count == 50, "seed \(seed), task \(index)")
        for (position, example) in (task.support + task.query).enumerated() {
          #expect(Int(set.labels[example]) == task.classes[position % 5])
        }
      }
    }
  }

  @Test func aTaskDependsOnSeedAndIndexAlone() throws {
    let set = try set()
    let form = TaskSampler.Form(ways: 4, shots: 2, queries: 2)
    let (one, other) = (try TaskSampler(set, form: form, seed: 3), try TaskSampler(set, form: form, seed: 4))
    let backwards = (0..<9).reversed().map { one.task($0) }
    let again = try TaskSampler(set, form: form, seed: 3)
    #expect(backwards.reversed() == (0..<9).map { again.task($0) })
    #expect(one.task(0) != one.task(1) && one.task(0) != other.task(0))
  }

  /// Every class, and every example, is as likely as any other in every place.
  @Test func drawsAreEven() throws {
    let sampler = try TaskSampler(set(classes: 6, each: 5), form: .init(ways: 3, shots: 1, queries: 1), seed: 9)
    var (first, examples) = (Array(repeating: 0, count: 6), Array(repeating: 0, count: 30))
    for index in 0..<6000 as Range<UInt64> {
      let task = sampler.task(index)
      first[task.classes[0]] += 1
      examples[task.query[2]] += 1
    }
    #expect(first.allSatisfy { abs($0 - 1000) < 150 }, "\(first)")
    #expect(examples.allSatisfy { abs($0 - 200) < 75 }, "\(examples)")
  }

  @Test func aTaskApartHasOtherClasses() throws {
    let sampler = try TaskSampler(set(), classes: Array(0..<9), form: .init(ways: 4, shots: 1, queries: 2), seed: 2)
    for index in 0..<50 as Range<UInt64> {
      let task = sampler.task(index)
      let apart = try #require(sampler.task(index + 1, apartFrom: task))
      #expect(Set(apart.classes).isDisjoint(with: task.classes) && Set(apart.classes).count == 4)
    }
    let tight = try TaskSampler(set(), classes: Array(0..<7), form: .init(ways: 4, shots: 1, queries: 2), seed: 2)
    #expect(tight.task(1, apartFrom: tight.task(0)) == nil)
  }

  @Test func aWholeSetIsOneTask() throws {
    let task = try TaskSampler(set(), form: .init(ways: 12, shots: 4, queries: 6), seed: 1).task(0)
    #expect(task.classes.sorted() == Array(0..<12) && (task.support + task.query).sorted() == Array(0..<120))
  }

  @Test func whatIsImpossibleIsSaid() throws {
    let set = try set()
    func refused(_ form: TaskSampler.Form, classes: [Int]? = nil) -> String {
      do {
        _ = try TaskSampler(set, classes: classes, form: form, seed: 0)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(
      refused(.init(ways: 1, shots: 5, queries: 0))
        == "tasks of 1 classes with 5 + 0 examples each: they need at least 2 with 1 + 1")
    #expect(refused(.init(ways: 5), classes: [1, 2, 3]) == "tasks of 5 classes: there are 3 of images to draw from")
    #expect(
      refused(.init(ways: 5, shots: 5, queries: 6))
        == "tasks with 5 + 6 examples of each class: class \"c0\" of images has 10")
    #expect(
      refused(.init(ways: 5, shots: .max, queries: 6))
        == "tasks with \(Int.max) + 6 examples of each class: class \"c0\" of images has 10")
    #expect(refused(.init(ways: 2, shots: 1, queries: 1), classes: [1, 12]) == "class 12 of images: there are 12, from 0")
  }
}

internal import Foundation
internal import Training

extension TicketPlan {
  /// The text of `plan.json`: the same plan, the same bytes.
  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
  }

  /// What a finished training depends on: not on how many branches there are, nor on later rounds that take their rates as before.
  var core: TicketPlan {
    var plan = seeded(0)
    plan.branches = []
    plan.branchRounds = []
    plan.reinitializations = 1
    if sparsity == nil { plan.rounds = 0 }
    return plan
  }

  /// The plan of a folder that already holds this one and is now asked for another of the same core.
  func extended(by other: TicketPlan) -> TicketPlan {
    var plan = self
    plan.rounds = max(rounds, other.rounds)
    plan.branches = TicketBranch.allCases.filter { branches.contains($0) || other.branches.contains($0) }
    plan.reinitializations = max(reinitializations, other.reinitializations)
    // An empty list means all rounds.
    let hasAll = (!branches.isEmpty && branchRounds.isEmpty) || (!other.branches.isEmpty && other.branchRounds.isEmpty)
    plan.branchRounds = hasAll ? [] : Array(Set(branchRounds + other.branchRounds)).sorted()
    return plan
  }

  /// Where two plans first differ, by name, with what this one and the other have; nil if nowhere.
  func firstDifference(from other: TicketPlan) throws -> (name: String, mine: String, theirs: String)? {
    let (mine, theirs) = (try Self.leaves(of: json), try Self.leaves(of: other.json))
    for name in Set(mine.keys).union(theirs.keys).sorted() where mine[name] != theirs[name] {
      return (name, mine[name] ?? "none", theirs[name] ?? "none")
    }
    return nil
  }

  /// Where it leaves the setting of the paper's claims, e.g. `training.length 4it, not 50000it`; nil if nowhere.
  var departure: String? {
    get throws {
      guard var paper = TicketDefaults.study else { return nil }
      // How many rounds there are changes none of them, unless the last one's sparsity is given.
      paper.rounds = rounds
      return try core.firstDifference(from: paper.core).map { "\($0.name) \($0.mine), not \($0.theirs)" }
    }
  }

  /// Values by their path, e.g. `training.batchSize`.
  private static func leaves(of json: String) throws -> [String: String] {
    var result: [String: String] = [:]
    func walk(_ value: Any, _ path: [String]) {
      switch value {
      case let object as [String: Any] where !object.isEmpty: for (key, part) in object { walk(part, path + [key]) }
      case let list as [Any] where !list.isEmpty: for (index, part) in list.enumerated() { walk(part, path + ["\(index)"]) }
      case is [String: Any], is [Any]: result[path.joined(separator: ".")] = "nothing"
      default: result[path.joined(separator: ".")] = "\(value)"
      }
    }
    walk(try JSONSerialization.jsonObject(with: Data(json.utf8)), [])
    return result
  }
}

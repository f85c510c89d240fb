internal import Foundation
internal import Training

extension TicketPlan {
  /// The text of `plan.json`; equal plans give equal bytes.
  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
  }

  /// The part of the plan that finished trainings depend on: branches do not matter, nor the number of rounds unless a final sparsity is
  /// given.
  var core: TicketPlan {
    var plan = seeded(0)
    plan.branches = []
    plan.branchRounds = []
    plan.reinitializations = 1
    if sparsity == nil { plan.rounds = 0 }
    return plan
  }

  /// Returns the plan of a folder that holds this plan, extended by the branches and rounds of another with the same core.
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

  /// Returns the first field in which two plans differ, by name, with both values; nil if there is none.
  func firstDifference(from other: TicketPlan) throws -> (name: String, mine: String, theirs: String)? {
    let (mine, theirs) = (try Self.leaves(of: json), try Self.leaves(of: other.json))
    for name in Set(mine.keys).union(theirs.keys).sorted() where mine[name] != theirs[name] {
      return (name, mine[name] ?? "none", theirs[name] ?? "none")
    }
    return nil
  }

  /// The first difference from the study that the paper's claims are about, e.g. `training.length 4it, not 50000it`; nil if there is none.
  var departure: String? {
    get throws {
      guard var paper = TicketDefaults.study else { return nil }
      // The number of rounds affects none of them, unless the last one's sparsity is given.
      paper.rounds = rounds
      return try core.firstDifference(from: paper.core).map { "\($0.name) \($0.mine), not \($0.theirs)" }
    }
  }

  /// Returns values by their path, e.g. `training.batchSize`.
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

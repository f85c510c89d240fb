internal import Files
internal import Foundation
internal import Interruptions
internal import Results
internal import Torch
internal import Training
internal import Words

/// The files of a ticket study's folder.
struct TicketFolder {
  let path: String
  init(_ path: String) { self.path = path }

  var plan: String { path + "/plan.json" }
  func seed(_ seed: UInt64) -> String { "\(path)/seed-\(seed)" }
  func initial(_ seed: UInt64) -> String { self.seed(seed) + "/initial.safetensors" }
  func surroundings(_ seed: UInt64) -> String { self.seed(seed) + "/surroundings.json" }
  func rewind(_ seed: UInt64) -> String { self.seed(seed) + "/rewind.safetensors" }
  func model(_ job: TicketJob, _ seed: UInt64) -> String { stem(job, seed) + ".safetensors" }
  func record(_ job: TicketJob, _ seed: UInt64) -> String { stem(job, seed) + ".json" }
  func checkpoint(_ job: TicketJob, _ seed: UInt64) -> String { stem(job, seed) + ".checkpoint" }
  func branch(_ job: TicketJob, _ seed: UInt64) -> String { "\(self.seed(seed))/\(job.folder)" }
  private func stem(_ job: TicketJob, _ seed: UInt64) -> String { "\(branch(job, seed))/\(job.file)" }

  /// Whether a training is done: its record is written last.
  func isFinished(_ job: TicketJob, _ seed: UInt64) -> Bool {
    FileManager.default.fileExists(atPath: record(job, seed)) && FileManager.default.fileExists(atPath: model(job, seed))
  }

  /// Makes the folder this plan's, or finds that it is already; to be called by whoever has claimed it.
  ///
  /// A folder can take more branches later, and more rounds where each takes its rates of what is left.
  /// - Returns: the plan that takes this one in beside what the folder's says, to be kept by ``start(_:)`` once it is certain that a
  ///   training begins; nil where nothing is to be added.
  /// - Throws: `PlanError` that names the first difference if the folder holds another study, `RecordError` if what it holds is damaged.
  func adopt(_ plan: TicketPlan) throws -> TicketPlan? {
    guard let found = try storedPlan() else {
      // Without its plan nobody knows what was trained there.
      guard try !hasBegun() else {
        throw RecordError("\(path) holds rounds of a study, but no plan.json: put it back, or give another folder")
      }
      try start(plan)
      return nil
    }
    if let difference = try found.core.firstDifference(from: plan.core) {
      // A first command that was mistyped has no claim to the folder.
      guard try hasBegun() else {
        for seed in try seedFolders() {
          OwnFile.remove("\(path)/\(seed)/initial.safetensors") { try TensorArchive.metadata(of: $0)["format"] == "espalier" }
          OwnFile.remove("\(path)/\(seed)/surroundings.json", recognisedBy: SealedRecord.isOne)
        }
        try start(plan)
        return nil
      }
      throw PlanError(
        "\(path) holds a study with \(difference.name) \(difference.mine), not \(difference.theirs): repeat its options, "
          + "or give another folder")
    }
    let extended = found.extended(by: plan.seeded(0))
    return extended == found ? nil : extended
  }

  /// Keeps a plan as the folder's.
  func start(_ plan: TicketPlan) throws { try SealedRecord.write(plan.seeded(0).json, to: self.plan) }

  private func seedFolders() throws -> [String] {
    try Folder.names(in: path).filter { $0.hasPrefix("seed-") }
  }

  /// The files of all branches of all seeds.
  private func roundFiles() throws -> [String] { try seedFolders().flatMap(roundFiles) }

  /// The same of one seed, by the name of its folder.
  private func roundFiles(of seed: String) -> [String] {
    ((try? Folder.names(in: "\(path)/\(seed)")) ?? []).flatMap { branch in
      ((try? Folder.names(in: "\(path)/\(seed)/\(branch)")) ?? []).filter { $0.hasPrefix("round-") }
        .map { "\(path)/\(seed)/\(branch)/\($0)" }
    }
  }

  /// Whether anything was trained: a checkpoint, a model or a record.
  private func hasBegun() throws -> Bool { try !roundFiles().isEmpty }

  /// Looks at everything that trainings left, before any work: a damaged record would be found only when its turn comes.
  ///
  /// - Throws: `RecordError` for a damaged record, `TensorArchiveError` for a damaged model or checkpoint so far as its header tells,
  ///   `FileError` for what is no file where one is to be.
  func check() throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    for name in try seedFolders() {
      let rounds = roundFiles(of: name)
      // Without any, nothing has begun there, and what lies there may be somebody else's.
      guard !rounds.isEmpty else { continue }
      for file in ["initial.safetensors", "rewind.safetensors"].map({ "\(path)/\(name)/\($0)" })
      where FileManager.default.fileExists(atPath: file) { _ = try TensorArchive.metadata(of: RegularFile(file)) }
      if let seed = UInt64(name.dropFirst("seed-".count)) { _ = try storedSurroundings(seed) }
      for file in rounds {
        if file.hasSuffix(".json") {
          _ = try read(file)
        } else {
          let file = try RegularFile(file)
          if ["safetensors", "checkpoint"].contains(where: file.path.hasSuffix) { _ = try TensorArchive.metadata(of: file) }
        }
      }
    }
  }

  /// The plan that the folder holds; nil if it holds none.
  ///
  /// - Throws: `RecordError` if it is damaged.
  func storedPlan() throws -> TicketPlan? {
    guard FileManager.default.fileExists(atPath: plan) else { return nil }
    return try record(plan, "no plan of a ticket study", except: ["seed", "warmUp"]) { json in
      let plan = try JSONDecoder().decode(TicketPlan.self, from: json)
      try plan.validate()
      return plan
    }
  }

  /// The record in a file.
  ///
  /// - Throws: `RecordError` if it is damaged.
  func read(_ file: String) throws -> TicketRound {
    let round = try record(file, "no record of a round", except: ["seed"]) { try TicketRound(json: $0) }
    // A copy from another place is whole, and counts what is counted there.
    guard file.hasSuffix("/seed-\(round.seed)/\(round.branch)/\(TicketJob.file(round: round.round)).json") else {
      throw RecordError("\(file) is the record of seed \(round.seed), \(round.branch.quoted), round \(round.round)")
    }
    return round
  }

  /// Where a seed was begun; nil if nobody said so.
  ///
  /// - Throws: `RecordError` if what says so is damaged.
  func storedSurroundings(_ seed: UInt64) throws -> Surroundings? {
    guard FileManager.default.fileExists(atPath: surroundings(seed)) else { return nil }
    return try record(surroundings(seed), "no record of where a seed was begun") { try JSONDecoder().decode(Surroundings.self, from: $0) }
  }

  /// What a file says, whole, with its numbers in bounds.
  private func record<Value>(
    _ file: String, _ none: String, except names: Set<String> = [], _ decode: (Data) throws -> Value
  ) throws -> Value {
    let json = try SealedRecord.read(file)
    do {
      let value = try decode(json)
      try RecordedCounts.check(json, except: names)
      return value
    } catch let error as DecodingError {
      throw RecordError("\(file) is \(none): \(error.firstWords)")
    } catch let error as any CustomStringConvertible & Error {
      throw RecordError("\(file) is \(none): \(error)")
    }
  }

  /// The records of all finished trainings.
  ///
  /// - Throws: ``MissingFolder`` if there is no folder, `PlanError` if nothing is finished in it, `RecordError` for a damaged record.
  func records() throws -> [TicketRound] {
    try MissingFolder.check(path)
    let result = try roundFiles().filter { $0.hasSuffix(".json") }.map { file in
      try Interruption.check()
      return try read(file)
    }
    guard !result.isEmpty else { throw PlanError("\(path) holds no finished round: no file like seed-0/trunk/round-00.json") }
    return result
  }
}

/// A folder that was named and is not there.
public struct MissingFolder: Error, CustomStringConvertible, Equatable {
  /// The folder.
  public let path: String

  /// One line.
  public var description: String { "there is no folder \(path)" }

  static func check(_ path: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else { throw MissingFolder(path: path) }
  }
}

extension DecodingError {
  fileprivate var firstWords: String {
    switch self {
    case .keyNotFound(let key, _): "it lacks \(key.stringValue)"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "it is not JSON" : "\(context.codingPath.map(\.stringValue).joined(separator: ".")) is not what it should be"
    @unknown default: "it cannot be read"
    }
  }
}

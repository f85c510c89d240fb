internal import Files
internal import Foundation
internal import Interruptions
internal import Results
internal import Torch
internal import Training
internal import Words

/// Paths, records and checks of a ticket study's folder.
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

  /// Whether a training is finished: its record is written last.
  func isFinished(_ job: TicketJob, _ seed: UInt64) -> Bool {
    FileManager.default.fileExists(atPath: record(job, seed)) && FileManager.default.fileExists(atPath: model(job, seed))
  }

  /// Makes the folder this plan's, or checks that it already is; to be called by the process that has claimed the folder.
  ///
  /// A study can get more branches later, and more rounds if a fixed fraction of what remains is removed in each.
  /// - Returns: the folder's plan extended by this one, which ``start(_:)`` is to write once a training is certain to begin; nil if there
  ///   is nothing to add.
  /// - Throws: `PlanError` with the first difference if the folder holds another study, `RecordError` if its files are damaged.
  func adopt(_ plan: TicketPlan) throws -> TicketPlan? {
    guard let found = try storedPlan() else {
      // Without plan.json it is unknown what was trained.
      guard try !hasBegun() else {
        throw RecordError("\(path) holds rounds of a study, but no plan.json: put it back, or give another folder")
      }
      try start(plan)
      return nil
    }
    if let difference = try found.core.firstDifference(from: plan.core) {
      // The first command may have been mistyped: a study without any result does not reserve the folder.
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

  /// Writes a plan as the folder's.
  func start(_ plan: TicketPlan) throws { try SealedRecord.write(plan.seeded(0).json, to: self.plan) }

  private func seedFolders() throws -> [String] {
    try Folder.names(in: path).filter { $0.hasPrefix("seed-") }
  }

  /// Paths of the files of all branches of all seeds.
  private func roundFiles() throws -> [String] { try seedFolders().flatMap(roundFiles) }

  /// Paths of the files of all branches of one seed, by the name of the seed's folder.
  private func roundFiles(of seed: String) -> [String] {
    ((try? Folder.names(in: "\(path)/\(seed)")) ?? []).flatMap { branch in
      ((try? Folder.names(in: "\(path)/\(seed)/\(branch)")) ?? []).filter { $0.hasPrefix("round-") }
        .map { "\(path)/\(seed)/\(branch)/\($0)" }
    }
  }

  /// Whether anything was trained: there is a checkpoint, a model or a record.
  private func hasBegun() throws -> Bool { try !roundFiles().isEmpty }

  /// Checks all files of trainings before any work; damaged records would otherwise be found only when they are needed.
  ///
  /// - Throws: `RecordError` for a damaged record, `TensorArchiveError` for a model or checkpoint with a damaged header, `FileError` for a
  ///   folder or device in the place of a file.
  func check() throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    for name in try seedFolders() {
      let rounds = roundFiles(of: name)
      // A seed's folder without rounds is not begun, and may belong to something else.
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

  /// Reads the folder's plan; nil if there is none.
  ///
  /// - Throws: `RecordError` if it is damaged.
  func storedPlan() throws -> TicketPlan? {
    guard FileManager.default.fileExists(atPath: plan) else { return nil }
    return try record(plan, "not the plan of a ticket study", except: ["seed", "warmUp"]) { json in
      let plan = try JSONDecoder().decode(TicketPlan.self, from: json)
      try plan.validate()
      return plan
    }
  }

  /// Reads the record of a round.
  ///
  /// - Throws: `RecordError` if it is damaged, or belongs to another seed, branch or round.
  func read(_ file: String) throws -> TicketRound {
    let round = try record(file, "not the record of a round", except: ["seed"]) { try TicketRound(json: $0) }
    // A record copied from another place is intact, but counts for that place.
    guard file.hasSuffix("/seed-\(round.seed)/\(round.branch)/\(TicketJob.file(round: round.round)).json") else {
      throw RecordError("\(file) is the record of seed \(round.seed), \(round.branch.quoted), round \(round.round)")
    }
    return round
  }

  /// Reads the surroundings in which a seed was begun; nil if they were not recorded.
  ///
  /// - Throws: `RecordError` if the record is damaged.
  func storedSurroundings(_ seed: UInt64) throws -> Surroundings? {
    guard FileManager.default.fileExists(atPath: surroundings(seed)) else { return nil }
    return try record(surroundings(seed), "not the record of a seed's surroundings") {
      try JSONDecoder().decode(Surroundings.self, from: $0)
    }
  }

  /// Reads and decodes a sealed record and checks that its counts are in bounds.
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

  /// Reads the records of all finished trainings.
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

/// The error for a folder that does not exist.
public struct MissingFolder: Error, CustomStringConvertible, Equatable {
  /// Path of the folder as given.
  public let path: String

  /// One line, e.g. `there is no folder tickets`.
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

internal import Files
internal import Foundation
internal import Results
internal import Torch
internal import Training

/// The files of a ticket study's folder.
struct TicketFolder {
  let path: String
  init(_ path: String) { self.path = path }

  var plan: String { path + "/plan.json" }
  func seed(_ seed: UInt64) -> String { "\(path)/seed-\(seed)" }
  func initial(_ seed: UInt64) -> String { self.seed(seed) + "/initial.safetensors" }
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

  /// Makes the folder this plan's, or finds that it is already.
  ///
  /// A folder can take more branches later, and more rounds where each takes its rates of what is left.
  /// - Throws: `PlanError` that names the first difference if the folder holds another study.
  func adopt(_ plan: TicketPlan) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard let found = try storedPlan() else { return try start(plan) }
    if let difference = try found.core.firstDifference(from: plan.core) {
      // A first command that was mistyped, or could not be carried out, has no claim to the folder.
      guard try hasBegun() else {
        for seed in try seedFolders() { try? FileManager.default.removeItem(atPath: "\(path)/\(seed)/initial.safetensors") }
        return try start(plan)
      }
      throw PlanError(
        "\(path) holds a study with \(difference.name) \(difference.mine), not \(difference.theirs): repeat its options, "
          + "or give another folder")
    }
    let extended = found.extended(by: plan.seeded(0))
    if extended != found { try AtomicFile.write(Data(extended.json.utf8), to: self.plan) }
  }

  private func start(_ plan: TicketPlan) throws {
    try AtomicFile.write(Data(plan.seeded(0).json.utf8), to: self.plan)
  }

  private func seedFolders() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted().filter { $0.hasPrefix("seed-") }
  }

  /// The files of all branches of all seeds.
  private func roundFiles() throws -> [String] {
    let files = FileManager.default
    return try seedFolders().flatMap { seed in
      ((try? files.contentsOfDirectory(atPath: "\(path)/\(seed)").sorted()) ?? []).flatMap { branch in
        ((try? files.contentsOfDirectory(atPath: "\(path)/\(seed)/\(branch)").sorted()) ?? []).filter { $0.hasPrefix("round-") }
          .map { "\(path)/\(seed)/\(branch)/\($0)" }
      }
    }
  }

  /// Whether anything was trained: a checkpoint, a model or a record.
  private func hasBegun() throws -> Bool { try !roundFiles().isEmpty }

  /// The plan that the folder holds; nil if it holds none.
  ///
  /// - Throws: `RecordError` if it is damaged.
  func storedPlan() throws -> TicketPlan? {
    guard FileManager.default.fileExists(atPath: plan) else { return nil }
    do {
      return try JSONDecoder().decode(TicketPlan.self, from: Data(contentsOf: URL(fileURLWithPath: plan)))
    } catch let error as DecodingError {
      throw RecordError("\(plan) is no plan of a ticket study: \(error.firstWords)")
    }
  }

  /// The record in a file.
  ///
  /// - Throws: `RecordError` if it is damaged.
  func read(_ file: String) throws -> TicketRound {
    let json = try Data(contentsOf: URL(fileURLWithPath: file))
    do {
      let round = try TicketRound(json: json)
      try RecordedCounts.check(json, except: ["seed"])
      return round
    } catch is DecodingError {
      throw RecordError("\(file) is no record of a round")
    } catch let error as PlanError {
      throw RecordError("\(file) is no record of a round: \(error)")
    }
  }

  /// The records of all finished trainings.
  ///
  /// - Throws: `PlanError` if there is no folder or nothing finished in it, `RecordError` for a damaged record.
  func records() throws -> [TicketRound] {
    let files = FileManager.default
    var isFolder: ObjCBool = false
    guard files.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else { throw PlanError("there is no folder \(path)") }
    let result = try roundFiles().filter { $0.hasSuffix(".json") }.map(read)
    guard !result.isEmpty else { throw PlanError("\(path) holds no finished round: no file like seed-0/trunk/round-00.json") }
    return result
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

internal import ArgumentParser
internal import Datasets
internal import Experiments
internal import Files
internal import Foundation
internal import Interruptions
internal import Networks
internal import Pruning
internal import Results
internal import Torch
internal import Training

/// What the process reports to its caller; the numbers of BSD's sysexits.h.
enum ExitStatus: Int32, Sendable {
  /// The command line asks for what does not exist or cannot be.
  case usage = 64
  /// A file is there, but not what it should be.
  case dataError = 65
  /// A file that was named is not there.
  case noInput = 66
  /// Something outside is out of reach: a server, a device.
  case unavailable = 69
  /// An error of Espalier or libtorch.
  case software = 70
  /// The system refuses a process.
  case systemError = 71
  /// An output file cannot be made.
  case cannotCreate = 73
  /// Writing or reading broke off, e.g. on a full disk.
  case inputOutput = 74
  /// Somebody else is at it: the same command may work later.
  case temporary = 75
  /// A recipe or a setting contradicts itself.
  case configuration = 78
  /// Stopped with Ctrl-C (128 + SIGINT).
  case interrupted = 130
  /// Stopped by SIGTERM (128 + SIGTERM).
  case terminated = 143

  /// The status that belongs to an error: its own if it is a ``ReportedError``, ArgumentParser's 64 for a command line that does
  /// not parse, `software` for what nobody foresaw.
  init(for error: any Error) {
    if let reported = error as? any ReportedError {
      self = reported.exitStatus
    } else if error is ValidationError {
      self = .usage
    } else {
      self = ExitStatus(foundation: error as NSError) ?? .software
    }
  }

  /// Foundation's file errors, by the system's error number beneath them where there is one.
  private init?(foundation error: NSError) {
    let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError
    for candidate in [underlying, error].compactMap(\.self) where candidate.domain == NSPOSIXErrorDomain {
      self = ExitStatus(errorNumber: Int32(clamping: candidate.code))
      return
    }
    guard error.domain == NSCocoaErrorDomain else { return nil }
    switch CocoaError.Code(rawValue: error.code) {
    case .fileNoSuchFile, .fileReadNoSuchFile: self = .noInput
    case .fileReadCorruptFile, .fileReadInapplicableStringEncoding: self = .dataError
    case .fileReadNoPermission: self = .noInput
    case .fileWriteNoPermission, .fileWriteVolumeReadOnly, .fileWriteFileExists, .fileWriteInvalidFileName: self = .cannotCreate
    case .fileWriteOutOfSpace, .fileWriteUnknown, .fileReadUnknown: self = .inputOutput
    default: return nil
    }
  }

  /// The status for a system call's error number.
  init(errorNumber: Int32) {
    switch errorNumber {
    case ENOENT, ENOTDIR: self = .noInput
    case EACCES, EPERM, EROFS, EISDIR, EEXIST: self = .cannotCreate
    case EMFILE, ENFILE, ENOMEM: self = .systemError
    default: self = .inputOutput
    }
  }
}

/// An error that knows its exit status; its description is one line for the user.
protocol ReportedError: Error {
  var exitStatus: ExitStatus { get }
}

extension DatasetError: ReportedError {
  var exitStatus: ExitStatus {
    switch self {
    case .unknownName, .badRequest: .usage
    case .missingFiles: .noInput
    case .badFile: .dataError
    case .download: .unavailable
    }
  }
}

extension FileError: ReportedError {
  var exitStatus: ExitStatus {
    switch (action, code) {
    case (_, EMFILE), (_, ENFILE), (_, ENOMEM): .systemError
    case (_, ENOSPC), (_, EDQUOT), (_, EFBIG), (_, EIO), (_, EPIPE): .inputOutput
    case (.read, ENOENT), (.read, ENOTDIR), (.read, EACCES), (.read, EPERM): .noInput
    case (.read, _): .dataError
    case (.write, _), (.remove, _): .cannotCreate
    }
  }
}

extension NetworkError: ReportedError {
  var exitStatus: ExitStatus {
    switch self {
    case .architecture, .removal: .usage
    case .malformed, .invalid, .shape, .tooLarge: .dataError
    }
  }
}

extension TensorArchiveError: ReportedError {
  var exitStatus: ExitStatus {
    switch self {
    case .reading(let path, _): FileManager.default.isReadableFile(atPath: path) ? .dataError : .noInput
    case .writing: .cannotCreate
    }
  }
}

extension ModelFileError: ReportedError {
  var exitStatus: ExitStatus {
    switch self {
    case .reading: .dataError
    case .writing: .cannotCreate
    case .weights, .head: .dataError
    }
  }
}

extension PruningError: ReportedError {
  var exitStatus: ExitStatus {
    switch self {
    case .fraction, .floors, .unknownCriterion, .granularity, .option, .nothingAccumulated, .unknownLayer, .nothingToPrune:
      .usage
    case .needsData, .unscoredLayer, .emptied, .noNorm, .unreachable: .usage
    case .notANumber, .notFinite: .dataError
    case .mismatch, .notEquivalent, .notGathered: .software
    }
  }
}

extension PenaltyTableError: ReportedError { var exitStatus: ExitStatus { .dataError } }
extension PlanError: ReportedError { var exitStatus: ExitStatus { .usage } }
extension RecordError: ReportedError { var exitStatus: ExitStatus { .dataError } }
extension UnknownMethod: ReportedError { var exitStatus: ExitStatus { .usage } }
extension MissingFolder: ReportedError { var exitStatus: ExitStatus { .noInput } }
extension FolderInUse: ReportedError { var exitStatus: ExitStatus { .temporary } }
extension ModelError: ReportedError { var exitStatus: ExitStatus { .dataError } }
extension TorchError: ReportedError { var exitStatus: ExitStatus { isOutOfMemory ? .systemError : .software } }

extension Interrupted: ReportedError { var exitStatus: ExitStatus { Interrupt.exitStatus } }

extension TrainingError: ReportedError {
  var exitStatus: ExitStatus {
    switch self {
    case .interrupted: Interrupt.exitStatus
    case .noData: .dataError
    case .nonFiniteLoss: .software
    }
  }
}

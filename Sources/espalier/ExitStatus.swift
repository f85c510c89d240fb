internal import ArgumentParser
internal import Datasets
internal import Experiments
internal import Files
internal import Foundation
internal import Interchange
internal import Interruptions
internal import Networks
internal import Pruning
internal import Results
internal import Torch
internal import Training

/// Exit statuses of the process, with the numbers of BSD's sysexits.h.
enum ExitStatus: Int32, Sendable {
  /// The command line asks for something unknown or impossible.
  case usage = 64
  /// A file exists, but its content is wrong.
  case dataError = 65
  /// An input file does not exist or cannot be read.
  case noInput = 66
  /// A server or a device is not available.
  case unavailable = 69
  /// An error of Espalier or libtorch.
  case software = 70
  /// The system cannot give a process, threads, memory or file descriptors.
  case systemError = 71
  /// An output file cannot be created.
  case cannotCreate = 73
  /// Writing or reading failed midway, e.g. on a full disk.
  case inputOutput = 74
  /// A resource is in use by another process; the same command may succeed later.
  case temporary = 75
  /// A recipe or a setting contradicts itself.
  case configuration = 78
  /// Stopped with Ctrl-C (128 + SIGINT).
  case interrupted = 130
  /// Stopped by SIGTERM (128 + SIGTERM).
  case terminated = 143

  /// Returns the status of an error: its own for a ``ReportedError``, `usage` for command lines that do not parse, `software` for
  /// unexpected errors.
  init(for error: any Error) {
    if let reported = error as? any ReportedError {
      self = reported.exitStatus
    } else if error is ValidationError {
      self = .usage
    } else {
      self = ExitStatus(foundation: error as NSError) ?? .software
    }
  }

  /// Returns the status of one of Foundation's file errors, by the underlying POSIX error number if there is one.
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

  /// Returns the status for the error number of a failed system call.
  init(errorNumber: Int32) {
    switch errorNumber {
    case ENOENT, ENOTDIR: self = .noInput
    case EACCES, EPERM, EROFS, EISDIR, EEXIST: self = .cannotCreate
    case EMFILE, ENFILE, ENOMEM: self = .systemError
    default: self = .inputOutput
    }
  }
}

/// An error with an exit status and a one-line description for the user.
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
    case .weights, .head, .order: .dataError
    }
  }
}

extension InterchangeError: ReportedError { var exitStatus: ExitStatus { .dataError } }

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
    case .interrupted, .interruptedAmongNetworks: Interrupt.exitStatus
    case .noData: .dataError
    case .nonFiniteLoss, .nonFiniteTaskLoss: .software
    }
  }
}

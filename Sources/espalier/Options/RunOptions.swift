public import ArgumentParser
public import Networks
internal import Results
internal import Torch
internal import Training

/// Options for seed, threads, memory and device; shared by the commands that compute.
struct RunOptions: ParsableArguments {
  /// The devices that --device offers.
  enum DeviceName: String, ExpressibleByArgument, CaseIterable { case cpu, cuda }

  @Option(help: ArgumentHelp("Determines initial weights, data order and random scores.", valueName: "number"))
  var seed: UInt64 = 0

  @Option(
    help: ArgumentHelp(
      "Threads to compute with, at most one per core; by default all cores, or as many as a training step is worth.", valueName: "count"))
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "Maximum memory that the network may need, e.g. 16GB; estimated beforehand, and refused if exceeded.", valueName: "size"))
  var memory: MemoryLimit = .standard

  @Option(help: ArgumentHelp("Device to compute on: cpu or cuda.", valueName: "name"))
  var device: DeviceName = .cpu

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads \(threads) is impossible: give at least 1") }
  }

  /// Configures libtorch as the options say.
  ///
  /// - Throws: ``UnavailableError`` if the device is not available, ``ThreadsError`` if the threads cannot be created.
  func apply() throws {
    let threads = threads.map { Self.atMostCores($0, option: "--threads") } ?? Machine.physicalCores
    do { try TorchRuntime.configure(threads: threads) } catch { throw ThreadsError(count: threads, problem: "\(error)") }
    guard device == .cuda else { return }
    do { try TorchRuntime.loadCUDA() } catch { throw UnavailableError("--device cuda is not available here: \(error)") }
  }

  /// Checks that the kernels asked for can compute on the device.
  ///
  /// - Throws: `ValidationError` for kernels of our own on another device than the CPU.
  func check(_ kernels: TrainingKernels.Choice) throws {
    guard device != .cpu, kernels == .sparse || kernels == .dense else { return }
    throw ValidationError("--kernels \(kernels) does not go with --device \(device): our own kernels run on the CPU")
  }

  /// Limits the number of threads or processes to the number of cores, with a note: more would slow each other down to a standstill.
  static func atMostCores(_ count: Int, option: String) -> Int {
    let cores = Machine.logicalCores
    if count > cores { Console.note("\(option) \(count) is more than the cores of this machine: using \(cores)") }
    return min(count, cores)
  }

  /// Returns `count` consecutive seeds, starting from --seed.
  ///
  /// - Throws: `PlanError` for an impossible count.
  func seeds(_ count: Int) throws -> [UInt64] {
    guard (1...100_000).contains(count) else { throw PlanError("--seeds \(count) is impossible: give 1 to 100000") }
    guard seed <= UInt64.max - UInt64(count - 1) else {
      throw PlanError("--seeds \(count) from --seed \(seed) on are too many: the last possible seed is \(UInt64.max)")
    }
    return (0..<UInt64(count)).map { seed + $0 }
  }

  /// The device of the trainings.
  var torchDevice: Device { device == .cuda ? .cuda : .cpu }
}

/// The error for threads that the system does not provide.
struct ThreadsError: ReportedError, CustomStringConvertible {
  let count: Int
  let problem: String
  var exitStatus: ExitStatus { .systemError }
  var description: String { "cannot compute with \(count) threads: \(problem)" + (count > 1 ? "; give --threads 1" : "") }
}

/// The error for a device that is not available.
struct UnavailableError: ReportedError, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
  var exitStatus: ExitStatus { .unavailable }
}

extension MemoryLimit: ExpressibleByArgument {
  /// Parses a size such as `8GB`.
  public init?(argument: String) { self.init(argument) }

  /// The default as it would be typed.
  public var defaultValueDescription: String { description.replacing(" ", with: "") }
}

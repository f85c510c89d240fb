internal import Foundation

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The computer on which a run's times were measured.
public struct Machine: Codable, Hashable, Sendable {
  /// Name of the processor as it reports itself, e.g. `AMD EPYC 7763 64-Core Processor`.
  public var processor: String
  /// Number of logical processors available to the process.
  public var cores: Int
  /// Number of threads that tensor operations used.
  public var threads: Int
  /// Main memory in bytes.
  public var memory: Int
  /// Operating system and architecture, e.g. `Linux x86_64`.
  public var system: String
  /// Device that computed: `cpu` or `cuda`.
  public var device: String
  /// Name of the device that computed, e.g. `NVIDIA H100 80GB HBM3`; nil if that was the processor.
  public var accelerator: String?

  /// Creates a description of a machine; every parameter sets the property of the same name.
  public init(processor: String, cores: Int, threads: Int, memory: Int, system: String, device: String = "cpu", accelerator: String? = nil)
  {
    self.processor = processor
    self.cores = cores
    self.threads = threads
    self.memory = memory
    self.system = system
    self.device = device
    self.accelerator = accelerator
  }

  /// Returns a description of the computer that this process runs on.
  public static func current(threads: Int, device: String = "cpu", accelerator: String? = nil) -> Machine {
    let process = ProcessInfo.processInfo
    return Machine(
      processor: processorName(), cores: process.activeProcessorCount, threads: threads, memory: Int(clamping: process.physicalMemory),
      system: system, device: device, accelerator: accelerator)
  }

  /// Number of logical processors available to this process.
  public static var logicalCores: Int { max(ProcessInfo.processInfo.activeProcessorCount, 1) }

  /// Number of physical cores available to this process: more compute-bound threads would only slow each other down.
  public static var physicalCores: Int {
    let logical = logicalCores
    #if os(Linux)
      return min(systemText("/proc/cpuinfo").flatMap(physicalCores(cpuinfo:)) ?? logical, logical)
    #else
      return logical
    #endif
  }

  /// Largest resident set of this process so far, in bytes.
  public static var peakMemory: Int {
    var usage = rusage()
    #if canImport(Darwin)
      guard getrusage(RUSAGE_SELF, &usage) == 0 else { return 0 }
      return usage.ru_maxrss
    #else
      // Linux counts in units of 1,024 bytes.
      guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
      return usage.ru_maxrss * 1024
    #endif
  }

  /// Returns the whole text of a file that the kernel makes up while it is read, such as `/proc/cpuinfo`; nil if there is none.
  static func systemText(_ path: String) -> String? {
    // `String(contentsOfFile:)` ends with the first read, and the kernel gives at most a page at once: two or three processors of many.
    guard let file = FileHandle(forReadingAtPath: path), let data = try? file.readToEnd() else { return nil }
    return String(decoding: data, as: UTF8.self)
  }

  /// Returns the number of distinct pairs of package and core in the text of `/proc/cpuinfo`; nil if it lists none, as on architectures
  /// other than x86.
  static func physicalCores(cpuinfo text: String) -> Int? {
    var cores: Set<String> = []
    var package = ""
    for line in text.split(separator: "\n") {
      if line.hasPrefix("physical id") { package = value(of: line) }
      if line.hasPrefix("core id") { cores.insert(package + "/" + value(of: line)) }
    }
    return cores.isEmpty ? nil : cores.count
  }

  /// Returns the first `model name` in the text of `/proc/cpuinfo`.
  static func processorName(cpuinfo text: String) -> String? {
    text.split(separator: "\n").first { $0.hasPrefix("model name") }.map(value(of:)).flatMap { $0.isEmpty ? nil : $0 }
  }

  private static func value(of line: Substring) -> String {
    guard let colon = line.firstIndex(of: ":") else { return "" }
    return line[line.index(after: colon)...].split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
  }

  private static func processorName() -> String {
    #if canImport(Darwin)
      var size = 0
      guard sysctlbyname("machdep.cpu.brand_string", nil, &size, nil, 0) == 0, size > 1 else { return architecture }
      var bytes = [UInt8](repeating: 0, count: size)
      guard sysctlbyname("machdep.cpu.brand_string", &bytes, &size, nil, 0) == 0 else { return architecture }
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    #else
      return systemText("/proc/cpuinfo").flatMap(processorName(cpuinfo:)) ?? architecture
    #endif
  }

  private static var system: String {
    #if os(Linux)
      "Linux \(architecture)"
    #elseif os(macOS)
      "macOS \(architecture)"
    #else
      architecture
    #endif
  }

  private static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "arm64"
    #else
      "unknown architecture"
    #endif
  }
}

@testable import Results
import Testing

@Suite struct MachineTests {
  private let hyperThreaded = """
    processor\t: 0
    model name\t: A  Processor 3.0 GHz
    physical id\t: 0
    core id\t\t: 0

    processor\t: 1
    model name\t: A  Processor 3.0 GHz
    physical id\t: 0
    core id\t\t: 0

    processor\t: 2
    physical id\t: 1
    core id\t\t: 0

    """

  @Test func coresAreCountedOncePerPackage() {
    #expect(Machine.physicalCores(cpuinfo: hyperThreaded) == 2)
    #expect(Machine.processorName(cpuinfo: hyperThreaded) == "A Processor 3.0 GHz")
    #expect(Machine.physicalCores(cpuinfo: "processor : 0\nBogoMIPS : 50\n") == nil)
    #expect(Machine.processorName(cpuinfo: "model name\n") == nil)
  }

  #if os(Linux)
    @Test func filesOfTheKernelAreReadToTheirEnd() throws {
      // Two pages and more; the kernel gives one at a time.
      let maps = try #require(Machine.systemText("/proc/self/smaps"))
      #expect(maps.utf8.count > 8192 && maps.hasSuffix("\n"))
      #expect(Machine.systemText("/proc/no such file") == nil)
    }
  #endif

  @Test func thisMachineHasThings() {
    let machine = Machine.current(threads: 1)
    #expect(machine.cores >= 1 && machine.threads == 1 && machine.memory > 1 << 20 && !machine.processor.isEmpty)
    #expect(Machine.physicalCores >= 1 && Machine.physicalCores <= machine.cores)
    #expect(Machine.peakMemory > 1 << 20)
  }
}

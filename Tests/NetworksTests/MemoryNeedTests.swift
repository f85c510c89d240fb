import Networks
import Testing

@Suite struct MemoryNeedTests {
  /// input 1×4×4 (16) → conv 2×4×4 (32) → relu (32) → flatten (free) → fc 5.
  private static func network() throws -> Network {
    var builder = NetworkBuilder("small", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv", 2, kernel: 3, padding: 1)
    builder.relu("relu")
    builder.flatten("flat")
    builder.linear("fc", 5)
    return try builder.network()
  }

  @Test func needsAreThoseOfShapes() throws {
    let network = try Self.network()
    // 18 + 2 and 160 + 5 learned numbers; at worst conv's and relu's values are alive at once; 85 elements in all.
    let (tensors, peak, total) = (4.0 * 185, 4.0 * 64, 4.0 * (16 + 32 + 32 + 5))
    #expect(try network.memory(for: .evaluation(batch: 100)).bytes == 100 * peak + 2 * tensors)
    #expect(try network.memory(for: .training(batch: 100, moments: 2)).bytes == 100 * (total + peak) + 5 * tensors)
    // In float64 the windows of 1·3·3 numbers at 4·4 places, all at once.
    #expect(try network.memory(for: .evaluation(batch: 100), elementSize: 8).bytes == 2 * (100 * peak + 2 * tensors) + 100 * 8.0 * 144)
    // Channels made, flattened ones one by one: 1, 2, 2, 32, 5; read: 0, 1, 2, 2, 32.
    let lists = 44.0 * 42 + 24.0 * 37
    #expect(try network.memory(for: .coupling).bytes == lists)
    #expect(try network.memory(for: .pruning(batch: 4)).bytes == 4 * peak + 4 * tensors + lists)
  }

  /// Kernels of fully connected networks have weights and moments of their own.
  @Test func fullyConnectedNetworksKeepTheirMomentsTwice() throws {
    var builder = NetworkBuilder("chain", input: .vector(3))
    builder.linear("fc1", 4)
    builder.relu()
    builder.linear("fc2", 2)
    let network = try builder.network()
    // 3·4 + 4 and 4·2 + 2 learned numbers; values of 3, 4, 4 and 2 elements, of which relu's and its input's are the most at once.
    let (tensors, values) = (4.0 * 26, 4.0 * (13 + 8))
    #expect(try network.memory(for: .training(batch: 10, moments: 2)).bytes == 10 * values + 7 * tensors)
    #expect(try network.memory(for: .training(batch: 10, moments: 0)).bytes == 10 * values + 3 * tensors)
  }

  @Test(arguments: [
    (
      NetworkWork.evaluation(batch: 100),
      "conv: with its value 2×4×4 in batches of 100 the network needs about 27.1 kB of memory, and 20 kB are allowed: give --memory 28kB"
    ),
    (
      .training(batch: 64, moments: 1),
      "conv: with its value 2×4×4 in batches of 64 the network needs about 41.1 kB of memory, and 20 kB are allowed: give --memory 42kB, or a smaller batch"
    ),
    (
      .training(batch: 1, moments: 100),
      "fc: with its 165 parameters the network needs about 76.8 kB of memory, and 20 kB are allowed: give --memory 77kB"
    ),
    (
      .training(batch: 64, moments: 100),
      "fc: with its 165 parameters the network needs about 114 kB of memory, and 20 kB are allowed: give --memory 120kB"
    ),
    (
      .examination(batch: 64, moments: 1),
      "conv: with its value 2×4×4 in batches of 64 the network needs about 41.1 kB of memory, and 20 kB are allowed: give --memory 42kB, or fewer examples"
    ),
    (
      .examination(batch: 1, moments: 100),
      "fc: with its 165 parameters the network needs about 76.8 kB of memory, and 20 kB are allowed: give --memory 77kB"
    ),
  ])
  func whatIsTooMuchIsRefusedInALine(work: NetworkWork, words: String) throws {
    let network = try Self.network()
    #expect(throws: NetworkError.tooLarge(words)) { try network.check([work], within: MemoryLimit(bytes: 20_000)) }
    let need = try network.memory(for: work).bytes
    #expect(throws: Never.self) { try network.check([work], within: MemoryLimit(bytes: Int(need))) }
    #expect(throws: NetworkError.self) { try network.check([work], within: MemoryLimit(bytes: Int(need) - 1)) }
  }

  static let windows: [(layer: Convolution, elements: Double)] = [
    (Convolution(4, 6, kernel: Extent(3, 1), padding: Extent(1, 0), groups: 2), 2 * 3 * 16),
    (Convolution(4, 6, kernel: Extent(1), stride: Extent(2)), 4 * 4), (Convolution(4, 6, kernel: Extent(1)), 0),
    (Convolution(4, 6, kernel: Extent(3), padding: Extent(2), dilation: Extent(2)), 0),
  ]

  @Test(arguments: windows)
  func windowsOfDoublesAreLaidSideBySide(layer: Convolution, elements: Double) throws {
    var builder = NetworkBuilder("windows", input: .image(channels: 4, height: 4, width: 4))
    builder.append("conv", .convolution(layer), from: ["input"])
    let network = try builder.network()
    let (single, double) = (try network.memory(for: .evaluation(batch: 7)), try network.memory(for: .evaluation(batch: 7), elementSize: 8))
    #expect(double.bytes - 2 * single.bytes == 7 * 8 * elements)
  }

  @Test func listsOfChannelsMayTakeAQuarter() throws {
    let network = try Self.network()
    let words =
      "flat: with its value 32, followed channel by channel, the network needs about 2.74 kB of memory, and a quarter of 10 kB is allowed: "
      + "give --memory 11kB"
    for work in [NetworkWork.coupling, .pruning(batch: 1)] {
      #expect(throws: NetworkError.tooLarge(words)) { try network.check([work], within: MemoryLimit(bytes: 10_000)) }
      #expect(throws: Never.self) { try network.check([work], within: MemoryLimit(bytes: 11_000)) }
    }
    #expect(throws: Never.self) { try network.check([.evaluation(batch: 1)], within: MemoryLimit(bytes: 2000)) }
  }

  /// The most that any network of the catalogue needs for images of 3×32×32 is far below what is allowed unless said.
  @Test(arguments: Architecture.names)
  func theCatalogueIsAllowed(name: String) throws {
    let cifar = FeatureShape.image(channels: 3, height: 32, width: 32)
    guard let network = try? Architecture.parse(name, input: cifar, classes: 10, dataset: "cifar-10") else { return }
    let work: [NetworkWork] = [
      .evaluation(batch: 500), .training(batch: 64, moments: 2), .training(batch: 250, moments: 0), .pruning(batch: 4),
    ]
    #expect(throws: Never.self) { try network.check(work, within: .standard) }
    #expect(throws: Never.self) { try Architecture.parse(name).check([.pruning(batch: 1), .coupling], within: .standard) }
  }

  @Test func sizesBeyondSixtyFourBitsAreOrdinaryRefusals() throws {
    var builder = NetworkBuilder("huge", input: .image(channels: 1, height: 1, width: 1))
    builder.convolution("conv", 60, kernel: 1, padding: 16_000)
    let network = try builder.network()
    let error = #expect(throws: NetworkError.self) { try network.check([.evaluation(batch: .max)], within: .standard) }
    #expect(
      "\(try #require(error))".hasPrefix("conv: with its value 60×32001×32001 in batches of 9223372036854775807 the network needs about"))
  }

  @Test(arguments: [
    ("4GB", 4_000_000_000), ("512MB", 512_000_000), ("1.5 TB", 1_500_000_000_000), ("16gb", 16_000_000_000), ("100kB", 100_000),
    ("1", 1), ("4096", 4096), ("4096B", 4096),
  ])
  func limitsAreRead(text: String, bytes: Int) { #expect(MemoryLimit(text)?.bytes == bytes) }

  @Test(arguments: ["", "GB", "0", "-1GB", "0.5", "4 G B", "4GiB", "nan", "inf", "infGB", "1e300", "1e30TB", "four"])
  func whatIsNoSizeIsNone(text: String) { #expect(MemoryLimit(text) == nil) }

  @Test func limitsAreSaidAsTheyAreTyped() {
    #expect(MemoryLimit.standard.description == "4 GB")
    #expect(MemoryLimit(bytes: 1_536_000_000).description == "1.54 GB")
    #expect(MemoryLimit(bytes: 999).description == "999 B")
  }
}

internal import ArgumentParser
internal import Datasets
internal import Foundation
internal import Interchange
internal import Networks
internal import SparseRuntime
internal import Training
internal import Words

/// Options of `compile` for the images that a plan takes, spelt as those of data.
struct InputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Of an ONNX model: pixels of its images, e.g. 224, 48x64 or 1x28x28; by default those that it says.", valueName: "size"))
  var imageSize: String?

  @Option(
    help: ArgumentHelp(
      "Pixels of the shorter side before the middle of an image is taken; by default as the model says, or those of its images.",
      valueName: "pixels"))
  var resize: Int?

  @Option(help: ArgumentHelp("Order of the channels of colour, rgb or bgr; by default as the model says, or rgb.", valueName: "order"))
  var channelOrder: Preprocessing.ChannelOrder?

  @Option(
    help: ArgumentHelp("Mean of the images, one number or one per channel, with --deviation; by default the model's.", valueName: "numbers")
  )
  var mean: String?

  @Option(help: ArgumentHelp("Deviation of the images, one number or one per channel.", valueName: "numbers"))
  var deviation: String?

  func validate() throws {
    _ = try imageSize.map(DataOptions.size)
    guard (mean == nil) == (deviation == nil) else {
      throw ValidationError("--mean and --deviation go together: give both, or neither")
    }
    if let mean, let deviation { _ = (try DataOptions.numbers(mean, "--mean"), try Self.deviations(deviation)) }
    if let resize, resize < 1 { throw ValidationError("--resize \(resize) is impossible: give at least 1 pixel") }
  }

  private static func deviations(_ text: String) throws -> [Float] {
    let numbers = try DataOptions.numbers(text, "--deviation")
    if let wrong = numbers.first(where: { $0 <= 0 }) { throw ValidationError("--deviation \(wrong) is impossible: it must be above 0") }
    return numbers
  }

  /// Reads the graph of an ONNX model for images of the size that was given.
  ///
  /// - Throws: `InterchangeError`; `ValidationError` for a size that the model does not take.
  func network(of path: String) throws -> ImportedNetwork {
    guard let imageSize else { return try ImportedNetwork(contentsOf: path) }
    let size = try DataOptions.size(imageSize)
    let (sides, channels) = (Array(size.suffix(2)), size.count > 2 ? size[0] : nil)
    let fitting = Result { try ImportedNetwork(contentsOf: path, height: sides[0], width: sides[1], channels: channels) }
    if let imported = try? fitting.get() {
      let takes = try imported.network.inputShape
      // A vector may be an image's pixels.
      if takes.dimensions.suffix(2) == sides || (try? shape(of: takes)) != nil { return imported }
    }
    let given = "--image-size \(imageSize) does not go with \(path.inLine)"
    guard try ImportedNetwork.hasOpenSizes(path) else {
      let takes = try ImportedNetwork(contentsOf: path).network.inputShape
      throw ValidationError("\(given), which takes inputs of \(takes): leave it out")
    }
    // The file alone does not tell whether it takes no such images, or nothing at all.
    guard let other = try? ImportedNetwork(contentsOf: path, height: 224, width: 224, channels: nil) else { return try fitting.get() }
    throw ValidationError("\(given), which takes images of other sizes, e.g. \(try other.network.inputShape)")
  }

  /// The sides of the images that fill a network's input: its own, or those of the size that was given where it is a vector.
  ///
  /// - Throws: `ValidationError` if no image does.
  private func shape(of input: FeatureShape) throws -> [Int] {
    guard case .vector(let count) = input, let imageSize else { return input.dimensions }
    let size = try DataOptions.size(imageSize)
    let pixels = size.suffix(2).reduce(1, *)
    let found = size.count > 2 ? size : [count / pixels] + size
    guard [1, 3].contains(found[0]), found.reduce(1, *) == count else {
      throw ValidationError("--image-size \(imageSize) does not go with a network of \(count) inputs")
    }
    return found
  }

  /// Returns how images become a plan's input: as the options say, or else the model.
  ///
  /// - Parameters:
  ///   - known: what the model says.
  ///   - input: the input of its network.
  ///   - path: the model's file, for errors.
  /// - Throws: `ValidationError` for options that do not go with the model.
  func preparation(_ known: Preprocessing?, input: FeatureShape, path: String) throws -> PlanPreparation {
    let shape = try imageSize == nil ? known?.inputShape ?? input.dimensions : shape(of: input)
    func numbers(_ given: String?, _ option: String, _ known: [Float]?) throws -> [Float] {
      guard let given else { return known ?? [] }
      let numbers = try DataOptions.numbers(given, option)
      guard shape.count == 3 else { throw ValidationError("\(option) is of images: \(path.inLine) takes inputs of \(input)") }
      guard numbers.count == 1 || numbers.count == shape[0] else {
        let possible = shape[0] == 1 ? "1 number" : "1 number or \(shape[0])"
        throw ValidationError("\(option) \(given) has \(numbers.count) numbers: images of \(path.inLine) take \(possible)")
      }
      return numbers.count == 1 ? Array(repeating: numbers[0], count: shape[0]) : numbers
    }
    let mean = try numbers(mean, "--mean", known?.mean)
    let deviation = try numbers(deviation, "--deviation", known?.deviation)
    if mean.isEmpty {
      let idle = [("--resize", resize != nil), ("--channel-order", channelOrder != nil)]
      if let option = idle.first(where: { $0.1 })?.0 {
        throw ValidationError("\(option) needs --mean and --deviation: \(path.inLine) does not say how its images are normalised")
      }
      return imageSize == nil ? PlanPreparation() : PlanPreparation(shape: shape)
    }
    if let resize, let side = shape.suffix(2).min(), shape.count == 3, resize < side {
      throw ValidationError("--resize \(resize) is impossible: images of \(path.inLine) have \(side) pixels a side; give \(side) or more")
    }
    return PlanPreparation(
      shape: shape, mean: mean, deviation: deviation, resize: resize ?? known?.resize,
      isReversed: (channelOrder ?? known?.channelOrder) == .bgr)
  }
}

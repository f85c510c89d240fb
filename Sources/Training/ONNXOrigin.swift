/// What an ONNX file that a model came from called its inputs and outputs, how their axes stood, and what it said of itself; kept so that the
/// model goes back as it was.
public struct ONNXOrigin: Codable, Hashable, Sendable {
  /// Names of the inputs, in order.
  public var inputs: [String]
  /// Names of the outputs, in order.
  public var outputs: [String]
  /// Who wrote the file, with a version, e.g. `pytorch 2.11.0`; empty if it does not say.
  public var producer: String
  /// The file's description of itself; empty without one.
  public var documentation: String
  /// Texts of the file by their keys (`metadata_props`).
  public var metadata: [String: String]
  /// Axes of each input in letters, N for the batch, C for channels (or features), H and W for height and width, L for both as one: `NHWC` with
  /// channels last, `NCL` of a sequence. nil if all are as in the network, `NCHW` and `NC`.
  public var inputAxes: [String]?
  /// Axes of each output, as those of the inputs. Axes of size 1 may be missing: `NHW` of maps of one channel.
  public var outputAxes: [String]?

  /// The most bytes of all texts that are kept; others than the names are left out where there are more.
  public static let mostBytes = 1 << 20

  /// Creates an origin; every parameter sets the property of the same name.
  public init(
    inputs: [String], outputs: [String], producer: String = "", documentation: String = "", metadata: [String: String] = [:],
    inputAxes: [String]? = nil, outputAxes: [String]? = nil
  ) {
    let bytes = metadata.reduce(producer.utf8.count + documentation.utf8.count) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    let isKept = bytes <= Self.mostBytes
    let areNamed = (inputs + outputs).reduce(0) { $0 + $1.utf8.count } <= Self.mostBytes
    (self.inputs, self.outputs) = areNamed ? (inputs, outputs) : ([], [])
    (self.producer, self.documentation, self.metadata) = isKept ? (producer, documentation, metadata) : ("", "", [:])
    (self.inputAxes, self.outputAxes) = (inputAxes, outputAxes)
  }
}

internal import Files
internal import Foundation
internal import Interchange
internal import Training

extension ModelFile {
  /// Writes the model as an ONNX file, atomically.
  ///
  /// - Throws: ``ONNXExportError``, and `FileError` if writing fails.
  func writeONNX(to path: String, _ form: ONNXExport.Form = ONNXExport.Form()) throws {
    let export = try ONNXExport(model, writer: ("Espalier", Espalier.version), metadata: texts, origin: origin, form: form)
    try AtomicFile.write(try export.data(), to: path)
  }

  /// What an ONNX file says of the model besides its graph: names of the classes, and how inputs were prepared, as JSON.
  private var texts: [String: String] {
    get throws {
      var texts: [String: String] = [:]
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      if !classes.isEmpty { texts["classes"] = String(decoding: try encoder.encode(classes), as: UTF8.self) }
      if let preprocessing { texts["preprocessing"] = String(decoding: try encoder.encode(preprocessing), as: UTF8.self) }
      return texts
    }
  }
}

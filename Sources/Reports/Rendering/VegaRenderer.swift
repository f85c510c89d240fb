internal import Files
public import Foundation
internal import Words

/// Draws figures with the Vega-Lite of PyPI's `vl-convert-python`, in a process of Python's.
///
/// The package needs no browser and no network; it also gives the runtime that draws in the page, so that no JavaScript of others is part
/// of Espalier.
public struct VegaRenderer: ChartRenderer {
  /// The Python programs to try in turn, as paths or names on `PATH`.
  public var programs: [String]
  /// Seconds after which drawing is given up.
  public var timeout: Double

  /// Creates a renderer.
  ///
  /// - Parameter programs: Python programs to try; by default ``programs(_:beside:)``.
  public init(programs: [String] = Self.programs(), timeout: Double = 300) { (self.programs, self.timeout) = (programs, timeout) }

  /// Returns `ESPALIER_PYTHON` if it is set; otherwise the Python beside the program, as where both are installed into one virtual
  /// environment, and that on `PATH`.
  public static func programs(
    _ environment: [String: String] = ProcessInfo.processInfo.environment, beside program: String = CommandLine.arguments.first ?? ""
  ) -> [String] {
    if let given = environment["ESPALIER_PYTHON"], !given.isEmpty { return [given] }
    let folder = program.lastIndex(of: "/").map { String(program[...$0]) }
    return (folder.map { [$0 + "python3"] } ?? []).filter { FileManager.default.isExecutableFile(atPath: $0) } + ["python3"]
  }

  /// Draws the figures with the first of the programs that has the package.
  ///
  /// - Throws: ``RenderingError``; `Interrupted` if work should stop.
  public func render(_ charts: [ReportChart], pictures: Set<RenderedCharts.Picture>) throws -> RenderedCharts {
    let request = JSON.object([
      "charts": .list(charts.map { ["id": .string($0.id), "specification": $0.specification] }), "png": .bool(pictures.contains(.png)),
    ])
    var missing: [String] = []
    for program in programs {
      let outcome: PythonProcess.Outcome
      do {
        outcome = try PythonProcess.run(program, Self.script, input: Data(request.text.utf8), timeout: timeout)
      } catch let error as PythonProcess.Missing {
        missing.append(error.description)
        continue
      }
      if outcome.status == Self.withoutPackage {
        missing.append("\(program.shortened) has no vl-convert-python")
        continue
      }
      guard outcome.status == 0, let answer = try? JSONDecoder().decode(Answer.self, from: outcome.output) else {
        let last = outcome.errors.split(whereSeparator: \.isNewline).last.map { ": " + String($0).shortened(to: 200).printable() } ?? ""
        throw RenderingError("the charts could not be drawn: \(program.shortened) ended with status \(outcome.status)\(last)")
      }
      return RenderedCharts(
        problem: nil, runtime: answer.runtime, svg: answer.svg, png: answer.png.compactMapValues { Data(base64Encoded: $0).map(Array.init) }
      )
    }
    throw RenderingError(
      "no charts: \(English.list(missing)); install it with \"python3 -m pip install vl-convert-python\", or set "
        + "ESPALIER_PYTHON to a Python that has it")
  }

  /// The status with which the script says that the package is not installed.
  private static let withoutPackage: Int32 = 69

  private static let script = String(decoding: PackageResources.render_py, as: UTF8.self)

  private struct Answer: Decodable {
    var runtime: String
    var svg: [String: String]
    var png: [String: String]
  }
}

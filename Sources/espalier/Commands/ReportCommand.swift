internal import ArgumentParser
internal import Files
internal import Foundation
internal import Reports
internal import Studies
internal import Words

/// `espalier report`: a page, tables for papers, or figures of a study or a run.
struct ReportCommand: ParsableCommand, CheckedCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Make a page, tables for papers, or figures of a study, a run or a probe.",
    discussion: """
      One page of HTML that opens anywhere, without a network: what the numbers
      say in words, tables, charts with intervals, and every run with its control.
        espalier report studies/which-criterion -o report.html

      The row of a single run will do, and so will the JSON of a study; a run can
      also write its page itself:
        espalier prune --network lenet-300-100 --dataset digits \\
          --sparsity 0.9 --report row.json
        espalier report row.json -o report.html
        espalier prune row.safetensors --sparsity 0.95 --report page.html
        espalier study status studies/which-criterion --json > study.json

      Tables for papers, and figures as SVG and PNG:
        espalier report studies/which-criterion -o tables.md
        espalier report studies/which-criterion -o tables.tex
        espalier report studies/which-criterion --figures figures

      Penalties of a probe, from its folder or the rows of a model's probe:
        espalier probe dense.safetensors --fractions 0.1,0.5 --rows rows.csv
        espalier report rows.csv -o penalties.html

      Charts are drawn by vl-convert, a package for Python 3. Without it a page
      has their numbers in tables, and says so:
        python3 -m pip install vl-convert-python
      It is looked for beside espalier and in the python3 on PATH; the variable
      ESPALIER_PYTHON names another Python.
      """)

  @Argument(
    help: ArgumentHelp("A study's folder, the JSON of a study, the row of a run, or a probe's folder or rows.", valueName: "study"),
    completion: .file(extensions: ["json", "csv"]))
  var study: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write: .html, .md or .tex.", valueName: "file"), completion: .file())
  var output: String?

  @Option(
    help: ArgumentHelp(
      "html, markdown or latex; by default what the output's ending says, and Markdown on standard output.", valueName: "format"))
  var format: ReportFormat?

  @Option(help: ArgumentHelp("A folder for the charts as SVG and PNG files.", valueName: "folder"), completion: .directory)
  var figures: String?

  /// The format that was asked for; nil if only figures were.
  func written() throws -> ReportFormat? {
    if let format { return format }
    guard let output else { return figures == nil ? .markdown : nil }
    guard let format = ReportFormat(output) else {
      throw ValidationError("--output \(output) ends in none of .html, .md and .tex: name the --format (html, markdown or latex)")
    }
    return format
  }

  func check() throws {
    if try written() == .html, output == nil { throw ValidationError("a page is for a browser: give the file to write with --output") }
  }

  func run() throws {
    var outputs = Outputs()
    outputs.add("--output", output, as: .file)
    for file in ["", "/study.json", "/recipe.yaml"] { outputs.keep("the study", study + file) }
    if let output, RunStore.isOne(output) { throw UnwritableOutput("cannot write \(output): it would be a file of a run") }
    try outputs.check()
    if let figures { try Outputs.checkFolder(figures) }
    let report = try ReportSource(path: study).report()
    let format = try written()
    // Tables need no renderer, and what cannot be tabulated is found before it starts.
    let tables = format == .html ? nil : try format?.text(of: report, nil)
    let needsCharts = format == .html || figures != nil
    let charts = needsCharts ? try report.render(by: VegaRenderer(), pictures: figures == nil ? [] : [.svg, .png]) : nil
    if let figures, let charts { try write(charts, of: report, to: figures) }
    let text = try tables ?? format?.text(of: report, charts)
    if let problem = charts?.problem { Console.note("espalier: \(problem)") }
    guard let text else { return }
    if let output { try Console.write(text, to: output) } else { try Console.print(text) }
  }

  private func write(_ charts: RenderedCharts, of report: any ReportDocument, to folder: String) throws {
    if let problem = charts.problem { throw NoFigures(description: problem) }
    guard !report.charts.isEmpty else {
      throw NoFigures(
        description: "there is nothing to draw: a chart needs runs that finished, with layers, evaluations or something to compare")
    }
    try Folder.make(folder)
    for chart in report.charts {
      if let svg = charts.svg[chart.id] { try Console.write(svg, to: "\(folder)/\(chart.id).svg") }
      if let png = charts.png[chart.id] { try AtomicFile.write(Data(png), to: "\(folder)/\(chart.id).png") }
    }
  }
}

/// The error for figures that were asked for and cannot be drawn.
struct NoFigures: ReportedError, CustomStringConvertible {
  let description: String
  var exitStatus: ExitStatus { .unavailable }
}

extension ReportError: ReportedError { var exitStatus: ExitStatus { .dataError } }

import Foundation
import Results
import TestSupport
import Testing

@Suite struct ReportCommandTests {
  /// The row of a short run.
  private func row(_ folder: String) throws -> String {
    let path = folder + "/row.json"
    let outcome = try espalier(
      "prune", "--network", "mlp:64-12-10", "--dataset", "digits", "--sparsity", "0.5", "--rounds", "1", "--epochs", "3it", "--recovery",
      "2it",
      "--evaluate-every", "1it", "--no-latency", "--threads", "1", "--quiet", "--report", path, "-o", folder + "/model.safetensors")
    #expect(outcome.status == 0, "\(outcome.errors)")
    return path
  }

  @Test func aRowBecomesAPageAndTables() throws {
    try withTemporaryDirectory { folder in
      let row = try row(folder)
      let outcome = try espalier("report", row, "-o", folder + "/report.html")
      #expect(outcome.status == 0 && outcome.output == "", "\(outcome.errors)")
      let page = try String(contentsOfFile: folder + "/report.html", encoding: .utf8)
      #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("<h1>mlp:64-12-10 on digits</h1>") && page.hasSuffix("</html>\n"))
      #expect(page.contains("<figure id=\"curves\">") && page.contains("<figure id=\"layers\">"))
      #expect(try espalier("report", row, "-o", folder + "/tables.tex").status == 0)
      #expect(try String(contentsOfFile: folder + "/tables.tex", encoding: .utf8).hasPrefix("% \\usepackage{booktabs}\n\n\\begin{table}"))
      let printed = try espalier("report", row)
      #expect(printed.status == 0 && printed.output.hasPrefix("# mlp:64-12-10 on digits\n"), "\(printed.errors)")
      #expect(try espalier("report", row, "--format", "markdown", "-o", folder + "/t.txt").status == 0)
      #expect(try String(contentsOfFile: folder + "/t.txt", encoding: .utf8) == printed.output)
    }
  }

  /// A run writes the report that the command would make of its row; an ending that says something else is refused before any work.
  @Test func aRunWritesItsOwnPage() throws {
    try withTemporaryDirectory { folder in
      let run = [
        "train", "--network", "mlp:64-12-10", "--dataset", "digits", "--epochs", "3it", "--no-latency", "--threads", "1", "--quiet",
        "-o", folder + "/model.safetensors", "--report",
      ]
      // Without a renderer, which is told as by the command.
      let outcome = try espalier(run + [folder + "/page.html"], after: "export ESPALIER_PYTHON=/none/python3; exec")
      #expect(outcome.status == 0 && outcome.errors.hasPrefix("espalier: no charts: /none/python3 cannot be run"), "\(outcome.errors)")
      let page = try String(contentsOfFile: folder + "/page.html", encoding: .utf8)
      #expect(page.contains("<h1>mlp:64-12-10 on digits</h1>") && page.contains("Dense.</strong> Before pruning"))
      let tables = try espalier(run + [folder + "/t.MD"])
      #expect(tables.status == 0 && tables.errors == "", "\(tables.errors)")
      #expect(try String(contentsOfFile: folder + "/t.MD", encoding: .utf8).hasPrefix("# mlp:64-12-10 on digits\n"))
      #expect(try espalier(run + [folder + "/row"]).status == 0)
      #expect(try espalier("report", folder + "/row", "-o", folder + "/again.md").status == 0)
      try FileManager.default.removeItem(atPath: folder + "/model.safetensors")
      for path in ["a.pdf", "a.html.gz", "x.y/b.txt"].map({ folder + "/" + $0 }) {
        try FileManager.default.createDirectory(atPath: folder + "/x.y", withIntermediateDirectories: true)
        let refused = try espalier(run + [path])
        #expect(refused.status == 64)
        #expect(refused.errors == "espalier: --report \(path) ends in none of .json (the row), .html, .md and .tex\n")
      }
      let ticket = ["prune", "--method", "lottery-ticket", "--network", "mlp:64-12-10", "--dataset", "digits", "-o", folder + "/tickets"]
      let refused = try espalier(ticket + ["--report", folder + "/a.pdf"])
      #expect(refused.status == 64 && !FileManager.default.fileExists(atPath: folder + "/tickets"), "\(refused.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["again.md", "page.html", "row", "t.MD", "x.y"])
    }
  }

  /// Of the folder that the engine keeps.
  @Test func aStudysFolder() throws {
    try withTemporaryDirectory { folder in
      try """
      study: two-seeds
      options: {network: "mlp:64-12-10", dataset: digits, epochs: 2it, sparsity: 0.5, rounds: 1, recovery: 0, no-latency: true}
      grid: {seed: [0, 1]}
      """.write(toFile: folder + "/r.yaml", atomically: true, encoding: .utf8)
      let run = try espalier("study", "run", folder + "/r.yaml", "--into", folder + "/studies", "--quiet")
      #expect(run.status == 0, "\(run.errors)")
      let report = try espalier("report", folder + "/studies/two-seeds", "--format", "latex")
      #expect(report.status == 0 && report.output.contains("\\label{tab:accuracy}"), "\(report.errors)")
      let json = folder + "/study.json"
      try espalier("study", "status", folder + "/studies/two-seeds", "--json").output.write(toFile: json, atomically: true, encoding: .utf8)
      #expect(try espalier("report", json, "--format", "latex").output == report.output)
    }
  }

  /// A page loses only its charts without a renderer; figures cannot be had.
  @Test func withoutARenderer() throws {
    try withTemporaryDirectory { folder in
      let row = try row(folder)
      let words =
        "espalier: no charts: /none/python3 cannot be run (No such file or directory); install it with \"python3 -m pip install "
        + "vl-convert-python\", or set ESPALIER_PYTHON to a Python that has it\n"
      let shell = "export ESPALIER_PYTHON=/none/python3; exec"
      let page = try espalier(["report", row, "-o", folder + "/report.html"], after: shell)
      #expect(page.status == 0 && page.errors == words)
      #expect(
        try String(contentsOfFile: folder + "/report.html", encoding: .utf8).contains("<p class=\"note\" role=\"note\">No charts: /none"))
      let figures = try espalier(["report", row, "--figures", folder + "/figures"], after: shell)
      #expect(figures.status == 69 && figures.errors == words && !FileManager.default.fileExists(atPath: folder + "/figures"))
    }
  }

  /// The renderer is a script here, which draws the same for all.
  @Test func figuresAreFiles() throws {
    try withTemporaryDirectory { folder in
      let row = try row(folder)
      let script = folder + "/python"
      try """
      #!/bin/sh
      printf '{"runtime":"","svg":{"curves":"<svg/>","layers":"<svg/>"},"png":{"curves":"AQID","layers":"AQID"}}'

      """.write(toFile: script, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
      let outcome = try espalier(["report", row, "--figures", folder + "/figures"], after: "export ESPALIER_PYTHON='\(script)'; exec")
      #expect(outcome.status == 0 && outcome.output == "" && outcome.errors == "", "\(outcome.errors)")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder + "/figures").sorted() == [
          "curves.png", "curves.svg", "layers.png", "layers.svg",
        ])
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/figures/layers.png")) == Data([1, 2, 3]))
    }
  }

  @Test func whatIsNoReportIsRefused() throws {
    try withTemporaryDirectory { folder in
      func file(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
        return folder + "/" + name
      }
      func refused(_ path: String, _ words: String, _ status: Int32 = 65) throws {
        let outcome = try espalier("report", path, "-o", folder + "/out.html")
        #expect(outcome.errors == "espalier: \(words)\n" && outcome.status == status, "\(outcome.status) \(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/out.html"))
      }
      try refused(folder + "/none.json", "cannot read \(folder)/none.json: No such file or directory", 66)
      let text = try file("a.json", "hello")
      try refused(text, "\(text) is not JSON")
      let other = try file("b.json", "{\"a\": 1}")
      try refused(other, "\(other) is neither the result of a study (study status --json) nor the row of a run (prune --report)")
      let list = try file("c.json", "[1, 2]")
      try refused(list, "\(list) is neither the result of a study (study status --json) nor the row of a run (prune --report)")
      let half = try file("d.json", "{\"dense\": {}}")
      try refused(half, "\(half) is no row of a run: format is missing")
      let study = try file(
        "e.json", "{\"name\": \"s\", \"about\": \"\", \"axes\": [], \"runs\": [{\"key\": 7}], \"claims\": [], \"recipe\": \"\"}")
      try refused(study, "\(study) is no result of a study: runs.1.key is not what it should be")
      let empty = try file("f.json", "{\"name\": \"s\", \"about\": \"\", \"axes\": [], \"runs\": [], \"claims\": [], \"recipe\": \"\"}")
      try refused(empty, "study s has no runs: there is nothing to report")
      var row = try String(contentsOfFile: try row(folder), encoding: .utf8)
      row = row.replacing("\"prunableWeights\" : 888", with: "\"prunableWeights\" : 9223372036854775807")
      let large = try file("g.json", row)
      try refused(
        large, "\(large) holds a row that no run can have written: dense.prunableWeights cannot be 9223372036854775807")
    }
  }

  @Test(arguments: [
    ("report a.json -o a.pdf", "--output a.pdf ends in none of .html, .md and .tex: name the --format (html, markdown or latex)"),
    ("report a.json --format html", "a page is for a browser: give the file to write with --output"),
  ])
  func lines(line: String, words: String) throws {
    let outcome = try espalier(line.split(separator: " ").map(String.init))
    #expect(outcome.status == 64 && outcome.errors == "espalier: \(words); see \"espalier report --help\"\n")
  }

  @Test func theInputIsNotReplaced() throws {
    try withTemporaryDirectory { folder in
      let row = try row(folder)
      let before = try Data(contentsOf: URL(fileURLWithPath: row))
      let outcome = try espalier("report", row, "--format", "html", "-o", row)
      #expect(outcome.status == 73 && outcome.errors == "espalier: cannot write \(row): --output and the study are the same file\n")
      #expect(try Data(contentsOf: URL(fileURLWithPath: row)) == before)
    }
  }
}

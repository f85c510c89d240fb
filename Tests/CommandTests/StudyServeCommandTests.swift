import Foundation
import TestSupport
import Testing

/// What requests get is tested with the server (ServingTests); here is the command around it.
@Suite struct StudyServeCommandTests {
  private func study(_ folder: String) throws -> String {
    try """
    study: one
    options: {network: "mlp:64-12-10", dataset: digits, epochs: 2it, sparsity: 0.5, rounds: 1, recovery: 0, no-latency: true}
    grid: {seed: [0]}
    """.write(toFile: folder + "/r.yaml", atomically: true, encoding: .utf8)
    let run = try espalier("study", "run", folder + "/r.yaml", "--into", folder + "/studies", "--quiet")
    #expect(run.status == 0, "\(run.errors)")
    return folder + "/studies/one"
  }

  /// It says where it is in one line, says the page, leaves the folder as it is, and ends with status 0 at Ctrl-C also while a page listens.
  @Test func fromTheAddressToTheEnd() throws {
    try withTemporaryDirectory { folder in
      let study = try study(folder)
      let before = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
      let process = Process()
      process.executableURL = try program
      process.arguments = ["study", "serve", study, "--port", "0"]
      let (output, errors) = (Pipe(), Pipe())
      (process.standardOutput, process.standardError) = (output, errors)
      try process.run()
      var line = ""
      while !line.hasSuffix("\n"), case let data = output.fileHandleForReading.availableData, !data.isEmpty {
        line += String(decoding: data, as: UTF8.self)
      }
      let port = try #require(
        line.hasPrefix("http://127.0.0.1:") ? Int(line.dropFirst("http://127.0.0.1:".count).dropLast()) : nil, "\(line)")
      let page = try ask(port, host: "localhost:\(port)")
      #expect(page.status == 200 && page.body.contains("<h1>one</h1>") && page.body.contains("<strong>Accuracy.</strong>"))
      let listening = try Connection(port)
      listening.send(["GET /events HTTP/1.1", "Host: 127.0.0.1:\(port)"])
      #expect(listening.read { $0.contains("data: ") }.contains("\"finished\":1,"))
      let second = try espalier("study", "serve", study, "--port", "\(port)")
      #expect(second.status == 75 && second.output == "")
      #expect(second.errors == "espalier: cannot listen at 127.0.0.1:\(port): the port is in use; --port 0 takes one that is free\n")
      kill(process.processIdentifier, SIGINT)
      process.waitUntilExit()
      listening.read()
      #expect(process.terminationReason == .exit && process.terminationStatus == 0)
      #expect(try errors.fileHandleForReading.readToEnd() == nil)
      #expect(try FileManager.default.subpathsOfDirectory(atPath: folder).sorted() == before)
    }
  }

  @Test(arguments: [
    ("study serve /none", 66, "/none is not a study: it has no study.json; \"espalier study run RECIPE\" makes one"),
    ("study serve s --port 65536", 64, "--port 65536 is impossible: give 0 to 65535; see \"espalier study serve --help\""),
    ("study serve s --port=-1", 64, "--port -1 is impossible: give 0 to 65535; see \"espalier study serve --help\""),
  ])
  func whatIsRefused(line: String, status: Int32, words: String) throws {
    let outcome = try espalier(line.split(separator: " ").map(String.init))
    #expect(outcome.status == status && outcome.errors == "espalier: \(words)\n", "\(outcome.status) \(outcome.errors)")
  }
}

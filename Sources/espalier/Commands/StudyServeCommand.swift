internal import ArgumentParser
internal import Interruptions
internal import Reports
internal import Serving
internal import Studies

/// `espalier study serve`.
struct StudyServeCommand: AsyncParsableCommand, CheckedCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Show a study's page in a browser, up to date while its runs go on.",
    discussion: """
      espalier study serve studies/regrowth-small

      Prints the address of the page, which is the one of espalier report. While
      it is open it follows the study: runs that finish appear within a second or
      two, and what was sorted, filtered or unfolded stays so.

      Only this machine is answered, and only with the page; nothing is written.
      From another machine: ssh -L 8427:127.0.0.1:8427 HOST. Ctrl-C ends it.
      """)

  @Argument(help: ArgumentHelp("The study's folder.", valueName: "study"), completion: .directory)
  var study: String

  @Option(help: ArgumentHelp("The port of 127.0.0.1; 0 takes one that is free.", valueName: "number"))
  var port = 8427

  func check() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port \(port) is impossible: give 0 to 65535") }
  }

  func run() async throws {
    let folder = try StudyFolder(study)
    // Damage from the beginning is an error here; what comes later stands on the page.
    _ = try folder.judged()
    let server = StudyServer(folder, port: port, renderer: VegaRenderer()) { try folder.judged() }
    do {
      try await Interrupt.cancelling { try await server.run { port in try Console.print("http://127.0.0.1:\(port)") } }
    } catch is Interrupted {
      // There is no other end to it, so this is no failure.
    }
  }
}

extension ServingError: ReportedError {
  var exitStatus: ExitStatus { isInUse ? .temporary : .unavailable }
}

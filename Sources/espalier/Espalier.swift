internal import ArgumentParser
internal import Foundation
internal import Interruptions
internal import Torch

/// The root command, `espalier`.
@main
struct Espalier: ParsableCommand {
  /// Version of Espalier, as `--version` and records give it.
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "espalier",
    abstract: "Train neural networks, prune them, and report honestly what it cost.",
    discussion: """
      From a network and a data set to a smaller network, in one command
      (the data set digits is built in):
        espalier prune --network lenet-300-100 --dataset digits --sparsity 0.9

      Step by step:
        espalier train --network lenet-5 --dataset mnist -o dense.safetensors
        espalier prune dense.safetensors --granularity filter --fraction 0.3 \\
          --recovery 5ep -o small.safetensors
        espalier compare dense.safetensors small.safetensors
        espalier evaluate small.safetensors

      Lists and overviews:
        espalier methods          criteria, methods, schedules, networks
        espalier data list        data sets, and where their files are
        espalier inspect vgg16    the layers of a network or a model file

      Results go to standard output, progress and errors to standard error.
      Exit statuses: 0 success, 64 usage error, 65 invalid input, 66 missing
      input, 69 server or device unavailable, 70 internal error, 71 too little
      memory, too few threads or processes, 73 output cannot be created,
      74 reading or writing failed, 75 a study's folder is in use, 130 stopped
      with Ctrl-C.
      """,
    version: "espalier \(version) (libtorch \(TorchRuntime.version))",
    subcommands: [
      TrainCommand.self, PruneCommand.self, EvaluateCommand.self, SensitivityCommand.self, ProbeCommand.self, TicketsCommand.self,
      StudyCommand.self, ReportCommand.self,
      InspectCommand.self, CompareCommand.self, ExportCommand.self, CompileCommand.self, RunCommand.self, BenchmarkCommand.self,
      MethodsCommand.self, DataCommand.self,
    ])

  /// Runs the command line on the main thread, because libtorch keeps settings per thread.
  @MainActor static func main() async {
    Interrupt.install()
    Interruption.everywhere { Interrupt.isRequested }
    let arguments = Array(CommandLine.arguments.dropFirst())
    var isRunning = false
    Interrupt.ignoreSizeLimits()
    do {
      if let help = try HelpPage.text(for: arguments, columns: Console.textWidth) {
        try Console.print(help)
        leave(0)
      }
      try CommandSpelling.check(arguments)
      var command = try parseAsRoot(arguments)
      try (command as? any CheckedCommand)?.check()
      isRunning = true
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
      leave(0)
    } catch {
      stop(error, arguments, isRunning: isRunning)
    }
  }

  /// Ends the process without the libraries' own farewells: libtorch takes a third of a short command's time to take itself apart, which
  /// the system does anyway.
  private static func leave(_ status: Int32) -> Never {
    fflush(nil)
    _exit(status)
  }

  /// Ends the process. Help and version are printed as they are, errors as one line with their status; usage errors found before anything
  /// runs point to the help.
  private static func stop(_ error: any Error, _ arguments: [String], isRunning: Bool) -> Never {
    let code = exitCode(for: error)
    if code == .success {
      do { try Console.print(fullMessage(for: error)) } catch { stop(error, arguments, isRunning: true) }
      leave(0)
    }
    if let status = error as? ExitCode { leave(status.rawValue) }
    var text: String
    let status: ExitStatus
    if code == .validationFailure {
      status = .usage
      text = message(for: error)
      let path = CommandSpelling.path(of: arguments).joined(separator: " ")
      if !isRunning { text += (text.hasSuffix(".") || text.hasSuffix("?") ? " See" : "; see") + " \"\(path) --help\"" }
    } else {
      status = ExitStatus(for: error)
      text = Self.words(for: error)
      // Shown even with --quiet: without it the work would seem lost.
      if status == .interrupted || status == .terminated, let outcome = Interrupt.outcome { Console.note(outcome) }
    }
    // Errors of other libraries may span several lines, but a log should have one per error.
    Console.note("espalier: " + text.split(whereSeparator: \.isNewline).joined(separator: " "))
    leave(status.rawValue)
  }

  /// The text of an error. Espalier's errors describe themselves; those of Foundation have their text for users in `localizedDescription`.
  private static func words(for error: any Error) -> String {
    error is CocoaError || error is POSIXError || type(of: error) is NSError.Type ? error.localizedDescription : String(describing: error)
  }
}

/// A command that checks its options together before it runs.
protocol CheckedCommand: ParsableCommand {
  /// Checks the options together, before the run.
  ///
  /// Not ArgumentParser's `validate()`, which runs before unknown options are found: in `--network lenet-5 --sparsty 0.5` it would take 0.5
  /// for a model file and report that instead of the misspelt option.
  ///
  /// - Throws: `ValidationError`.
  func check() throws
}

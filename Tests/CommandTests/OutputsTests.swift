@testable import espalier
import Files
import Foundation
import TestSupport
import Testing

/// What a user owns is never lost to an output: it is refused before any work, or written through.
@Suite struct OutputsTests {
  private static let training = "train --network mlp:64-16-10 --dataset digits --epochs 1it --threads 1 --quiet"
  private static let pruning = "prune FOLDER/m.st --dataset digits --fraction 0.5 --rounds 1 --epochs 0 --threads 1 --quiet"
  private static let probe = "probe FOLDER/m.st --dataset digits --fractions 0.1 --threads 1 --quiet"

  /// A folder with a model `m.st`, another name `hard.st` of it, a `link.st` to it, `notes`, a folder `sub` and a device `node`.
  private func withFiles(_ body: (String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      let made = try espalier(words(Self.training + " -o FOLDER/m.st", folder))
      try #require(made.status == 0, "\(made.errors)")
      try FileManager.default.linkItem(atPath: folder + "/m.st", toPath: folder + "/hard.st")
      try FileManager.default.createSymbolicLink(atPath: folder + "/link.st", withDestinationPath: "m.st")
      try FileManager.default.createSymbolicLink(atPath: folder + "/notes.link", withDestinationPath: "notes")
      try AtomicFile.write(Data("mine".utf8), to: folder + "/notes")
      try Folder.make(folder + "/sub/sub")
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      try body(folder)
    }
  }

  private func words(_ line: String, _ folder: String) -> [String] {
    line.split(separator: " ").map { String($0).replacing("FOLDER", with: folder) }
  }

  /// Names, kinds and contents of all that lies there.
  private func contents(_ folder: String) throws -> [String: String] {
    var found: [String: String] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
      let kind = try FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.type] as? FileAttributeType
      let bytes = kind == .typeRegular ? try RegularFile.read(folder + "/" + name, limit: 1 << 20).base64EncodedString() : ""
      found[name] = "\(kind?.rawValue ?? "") \(bytes)"
    }
    return found
  }

  private static let noCheckpoint = "it exists and is not a checkpoint: remove it, or give another --checkpoint"

  @Test(arguments: [
    (training + " -o FOLDER/o --checkpoint FOLDER/sub", "FOLDER/sub: it is a folder"),
    (training + " -o FOLDER/o --checkpoint FOLDER/notes", "FOLDER/notes: \(noCheckpoint)"),
    (training + " -o FOLDER/o --checkpoint FOLDER/notes.link", "FOLDER/notes.link: \(noCheckpoint)"),
    (training + " -o FOLDER/o --checkpoint FOLDER/m.st", "FOLDER/m.st: \(noCheckpoint)"),
    (training + " -o FOLDER/o --checkpoint FOLDER/pipe", "FOLDER/pipe: it is a pipe, and nobody reads it"),
    (training + " -o FOLDER/o --checkpoint FOLDER/o", "FOLDER/o: the checkpoint and --output are the same file"),
    (training + " -o FOLDER/pipe", "FOLDER/pipe: it is a pipe, and nobody reads it"),
    (training + " -o FOLDER/o --report FOLDER/pipe", "FOLDER/pipe: it is a pipe, and nobody reads it"),
    (training + " -o FOLDER/link.st --report FOLDER/hard.st", "FOLDER/hard.st: --report and --output are the same file"),
    (
      training + " -o FOLDER/o --report FOLDER/sub/../o.checkpoint",
      "FOLDER/sub/../o.checkpoint: --report and the checkpoint are the same file"
    ),
    (training + " -o /dev/stdout", "/dev/stdout: --output and standard output are the same file"),
    (pruning + " -o FOLDER/o --checkpoint FOLDER/hard.st", "FOLDER/hard.st: the checkpoint and the model are the same file"),
    (pruning + " -o FOLDER/m.st --checkpoint FOLDER/link.st", "FOLDER/link.st: the checkpoint and --output are the same file"),
    (pruning + " -o FOLDER/o --report FOLDER/link.st", "FOLDER/link.st: --report and the model are the same file"),
    (probe + " --rows FOLDER/m.st", "FOLDER/m.st: --rows and the model are the same file"),
    (probe + " --rows FOLDER/hard.st", "FOLDER/hard.st: --rows and the model are the same file"),
    (probe + " --rows FOLDER/sub", "FOLDER/sub: it is a folder"),
  ])
  func isRefusedBeforeAnyWork(line: String, expected: String) throws {
    try withFiles { folder in
      let before = try contents(folder)
      let outcome = try espalier(words(line, folder))
      let expected = "espalier: cannot write \(expected.replacing("FOLDER", with: folder))\n"
      #expect(outcome.status == 73 && outcome.errors == expected && outcome.output.isEmpty, "\(outcome.status) \(outcome.errors)")
      #expect(try contents(folder) == before)
    }
  }

  @Test func aNameIsNeeded() throws {
    let outcome = try espalier(words(Self.training, "") + ["-o", ""])
    #expect(outcome.status == 73 && outcome.errors == "espalier: cannot write a file without a name\n", "\(outcome.errors)")
  }

  /// The files of a data set are inputs, too.
  @Test func dataAreNotReplaced() throws {
    try withTemporaryDirectory { folder in
      let names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
      try Folder.make(folder + "/mnist")
      for name in names { try AtomicFile.write(Data(name.utf8), to: folder + "/mnist/" + name) }
      try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "mnist/" + names[2])
      try FileManager.default.linkItem(atPath: folder + "/mnist/" + names[0], toPath: folder + "/hard")
      let command = "train --network lenet-300-100 --dataset mnist --data-dir FOLDER --threads 1"
      for (options, place, output) in [
        ("-o FOLDER/o --report FOLDER/mnist/\(names[2])", "FOLDER/mnist/\(names[2])", "--report"),
        ("-o FOLDER/mnist/\(names[1])", "FOLDER/mnist/\(names[1])", "--output"), ("-o FOLDER/link", "FOLDER/link", "--output"),
        ("-o FOLDER/hard", "FOLDER/hard", "--output"),
      ] {
        let outcome = try espalier(words(command + " " + options, folder))
        let place = place.replacing("FOLDER", with: folder)
        #expect(outcome.errors == "espalier: cannot write \(place): \(output) and a file of mnist are the same file\n", "\(outcome.errors)")
        #expect(outcome.status == 73)
      }
      for name in names { #expect(try RegularFile.text(folder + "/mnist/" + name, limit: 99) == name) }
    }
  }

  @Test func reportsAreWrittenThrough() throws {
    try withFiles { folder in
      // Standard output by a link, as /dev/stdout is one: a pipe, and a file, which what is printed must not lose.
      try FileManager.default.createSymbolicLink(atPath: folder + "/out", withDestinationPath: "/proc/self/fd/1")
      let line = words(Self.training + " -o FOLDER/o --report FOLDER/out", folder)
      func check(_ text: String) {
        #expect(text.hasPrefix("{\n") && text.contains("\"tool\""), "the report")
        #expect(text.contains("\n}\nmlp:64-16-10 on digits"), "and then the row: \(text.suffix(2000))")
      }
      check(try espalier(line).output)
      #expect(FileManager.default.createFile(atPath: folder + "/file", contents: nil))
      #expect(try espalier(line, outputTo: folder + "/file").status == 0)
      check(try RegularFile.text(folder + "/file", limit: 1 << 20))
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/out") == "/proc/self/fd/1")
      // And a pipe that somebody reads.
      let reader = open(folder + "/pipe", O_RDONLY | O_NONBLOCK)
      defer { close(reader) }
      #expect(try espalier(words(Self.training + " -o FOLDER/o --report FOLDER/pipe", folder)).status == 0)
      let text = try String(decoding: FileHandle(fileDescriptor: reader).readToEnd() ?? Data(), as: UTF8.self)
      #expect(text.hasPrefix("{\n") && text.hasSuffix("\n}\n"), "\(text.suffix(100))")
    }
  }

  /// Beside a pipe there is no place for a checkpoint: it is done without, unless one is asked for.
  @Test func aModelGoesIntoAPipe() throws {
    try withFiles { folder in
      let reader = open(folder + "/pipe", O_RDONLY | O_NONBLOCK)
      defer { close(reader) }
      let outcome = try espalier(words(Self.training + " -o FOLDER/pipe", folder))
      #expect(outcome.status == 0, "\(outcome.errors)")
      let model = try FileHandle(fileDescriptor: reader).readToEnd() ?? Data()
      #expect(try model == Data(contentsOf: URL(fileURLWithPath: folder + "/m.st")), "the same training, the same model")
      let resumed = try espalier(words(Self.training + " -o FOLDER/pipe --resume", folder))
      #expect(resumed.status == 64)
      #expect(
        resumed.errors == "espalier: --resume needs --checkpoint: \(folder)/pipe is not a file that it could lie beside\n",
        "\(resumed.errors)")
    }
  }

  /// From before the work to its end: otherwise its reader would see an end between.
  @Test func pipesAreHeldOpen() throws {
    try withTemporaryDirectory { folder in
      let pipe = folder + "/pipe"
      #expect(mkfifo(pipe, 0o600) == 0)
      let reader = open(pipe, O_RDONLY | O_NONBLOCK)
      defer { close(reader) }
      var byte: UInt8 = 0
      var outputs: Outputs? = Outputs()
      outputs?.add("--report", pipe, as: .text)
      #expect(read(reader, &byte, 1) == 0, "nobody writes")
      try outputs?.check()
      #expect(read(reader, &byte, 1) == -1 && errno == EAGAIN, "somebody may write yet")
      outputs = nil
      #expect(read(reader, &byte, 1) == 0)
    }
  }

  #if os(Linux)
    /// A file that may grow no further, and a folder that is gone.
    @Test(arguments: [
      ("ulimit -f 4; exec", 74, "espalier: cannot write FOLDER/o: File too large\n"),
      (
        "mkdir FOLDER/gone; cd FOLDER/gone; rmdir FOLDER/gone; exec", 66,
        "espalier: cannot read the current folder: No such file or directory\n"
      ),
    ])
    func whatTheSystemRefusesIsOneLine(before: String, status: Int, line: String) throws {
      try withTemporaryDirectory { folder in
        let outcome = try espalier(
          words(Self.training + " -o FOLDER/o", folder), after: before.replacing("FOLDER", with: folder))
        #expect(outcome.errors == line.replacing("FOLDER", with: folder) && outcome.status == status, "\(outcome.status) \(outcome.errors)")
        #expect(try Folder.names(in: folder) == [])
      }
    }

    /// Killed after the model has taken the place of its input, and resumed: what an unbroken run gives.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "there is no strace"))
    func aKillAfterTheInputIsReplaced() throws {
      try withFiles { folder in
        let line = words(Self.pruning + " -o FOLDER/m.st", folder)
        let original = try RegularFile.read(folder + "/m.st", limit: 1 << 20)
        #expect(try espalier(line).status == 0)
        let expected = try RegularFile.read(folder + "/m.st", limit: 1 << 20)
        // The checkpoint gets its name first, the model second.
        for number in 1...2 {
          try AtomicFile.write(original, to: folder + "/m.st")
          let tracer = "exec strace -f -o /dev/null -e trace=rename -e inject=rename:signal=KILL:when=\(number)"
          #expect(try espalier(line, after: tracer).status == 128 + SIGKILL)
          #expect(try espalier(line + ["--resume"]).status == 0)
          #expect(try RegularFile.read(folder + "/m.st", limit: 1 << 20) == expected, "\(number)")
          #expect(!FileManager.default.fileExists(atPath: folder + "/m.st.checkpoint"))
        }
      }
    }
  #endif
}

import ArgumentParser
import Datasets
@testable import Experiments
@testable import espalier
import Files
import Foundation
import Networks
import Pruning
import Testing
import Torch
import Training

@Suite struct ExitStatusTests {
  @Test func everyKindOfErrorHasItsStatus() {
    func status(_ error: any Error) -> Int32 { ExitStatus(for: error).rawValue }
    #expect(status(DatasetError.unknownName("minst", suggestion: "mnist", known: ["mnist"])) == 64)
    #expect(status(DatasetError.missingFiles(dataset: "mnist", directory: "d", files: ["f"], isIncomplete: false)) == 66)
    #expect(status(DatasetError.badFile(path: "f", problem: "is truncated")) == 65)
    #expect(status(DatasetError.badRequest("a subset of 0")) == 64)
    #expect(status(DatasetError.download(url: "u", problem: "refused")) == 69)
    #expect(status(NetworkError.architecture("unknown network")) == 64)
    #expect(status(NetworkError.malformed("no JSON")) == 65)
    #expect(status(PlanError("impossible")) == 64)
    #expect(status(RecordError("damaged")) == 65)
    #expect(status(MissingFolder(path: "f")) == 66)
    #expect(status(FolderInUse(folder: "f", process: 7)) == 75)
    #expect(status(ModelError.parameters(network: "n", problems: [])) == 65)
    #expect(status(TorchError("add: sizes differ")) == 70)
    #expect(status(TrainingError.nonFiniteLoss(iteration: 3, learningRate: 9)) == 70)
    #expect(status(TrainingError.interrupted(iteration: 3)) == 130)
    #expect(status(TensorArchiveError.reading(path: "/nowhere/at/all", problem: "No such file or directory")) == 66)
    #expect(status(TensorArchiveError.reading(path: "/dev/null", problem: "it is empty")) == 65)
    #expect(status(TensorArchiveError.writing(path: "f", problem: "3 tensors are too many")) == 73)
    #expect([ENOSPC, EDQUOT, EFBIG, EIO, EPIPE].map { status(FileError(.write, "f", code: $0)) } == [74, 74, 74, 74, 74])
    #expect([EACCES, ENOENT, EISDIR, ENAMETOOLONG].map { status(FileError(.write, "f", code: $0)) } == [73, 73, 73, 73])
    #expect([ENOENT, ENOTDIR, EACCES, EIO, ENOTSUP].map { status(FileError(.read, "f", code: $0)) } == [66, 66, 66, 74, 65])
    #expect([.read, .write, .remove].map { status(FileError($0, "f", "it is a folder")) } == [65, 73, 73])
    #expect(status(PruningError.fraction(option: "--sparsity", given: "1.2")) == 64)
    #expect(status(PruningError.needsData(criterion: "abs-mrs")) == 64)
    #expect(status(PruningError.notFinite("the losses")) == 65)
    #expect(status(PruningError.mismatch("a mask of another model")) == 70)
    #expect(status(ValidationError("give --dataset")) == 64)
    #expect(status(MissingFile(path: "f")) == 66)
    #expect(status(UnavailableError("no CUDA")) == 69)
    #expect(status(POSIXError(.ENOSPC)) == 74)
    #expect(status(POSIXError(.EACCES)) == 73)
    #expect(status(CocoaError(.fileReadNoSuchFile)) == 66)
    struct Unforeseen: Error {}
    #expect(status(Unforeseen()) == 70)
  }

  @Test func whatCannotBeWrittenIsNamed() {
    let full = OutputError(path: "row.json", underlying: POSIXError(.ENOSPC))
    #expect(full.description == "cannot write row.json: No space left on device")
    #expect(full.exitStatus == .inputOutput)
    let nowhere = #expect(throws: FileError.self) { try Console.write("x", to: "/nowhere/at/all/row.json") }
    #expect(nowhere?.exitStatus == .cannotCreate)
  }
}

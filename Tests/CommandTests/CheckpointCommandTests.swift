import Foundation
import TestSupport
import Testing

/// What runs do with their checkpoint.
@Suite struct CheckpointCommandTests {
  private static let training = ["train", "--network", "mlp:64-16-10", "--dataset", "digits", "--threads", "1", "--quiet"]

  /// A link to a full disk, in a folder that can be written.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
  func theCheckpointOutlivesAModelThatCannotBeWritten() throws {
    try withTemporaryDirectory { folder in
      let (output, checkpoint) = (folder + "/full.safetensors", folder + "/kept.checkpoint")
      try FileManager.default.createSymbolicLink(atPath: output, withDestinationPath: "/dev/full")
      let failed = try espalier(
        Self.training + ["--epochs", "3it", "-o", output, "--checkpoint", checkpoint, "--checkpoint-every", "1it"])
      #expect(failed.status == 74 && failed.errors.contains("No space left on device"), "\(failed.errors)")
      #expect(FileManager.default.fileExists(atPath: checkpoint))
      // It is good for what was lost.
      let saved = folder + "/saved.safetensors"
      let resumed = try espalier(Self.training + ["--epochs", "3it", "-o", saved, "--checkpoint", checkpoint, "--resume"])
      #expect(resumed.status == 0 && FileManager.default.fileExists(atPath: saved), "\(resumed.errors)")
      #expect(!FileManager.default.fileExists(atPath: checkpoint))
    }
  }

  /// Without --resume a checkpoint of another run is none of our business; with it, it must be ours.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
  func resumingReadsTheCheckpoint() throws {
    try withTemporaryDirectory { folder in
      let (full, checkpoint, output) = (folder + "/full.safetensors", folder + "/kept.checkpoint", folder + "/out.safetensors")
      try FileManager.default.createSymbolicLink(atPath: full, withDestinationPath: "/dev/full")
      _ = try espalier(Self.training + ["--epochs", "3it", "-o", full, "--checkpoint", checkpoint, "--checkpoint-every", "1it"])
      let other = Self.training + ["--epochs", "4it", "-o", output, "--checkpoint", checkpoint]
      let refused = try espalier(other + ["--resume"])
      #expect(refused.status != 0)
      #expect(
        refused.errors.contains("\(checkpoint) belongs to a run with other options; repeat those, or remove it to start anew"),
        "\(refused.errors)")
      #expect(FileManager.default.fileExists(atPath: checkpoint) && !FileManager.default.fileExists(atPath: output))
      #expect(try espalier(other).status == 0)
    }
  }
}

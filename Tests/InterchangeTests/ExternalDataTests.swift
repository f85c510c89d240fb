import Foundation
import Networks
import SwiftProtobuf
import TestSupport
import Testing
import Torch
import Training

@testable import Interchange

@Suite struct ExternalDataTests {
  private func model(_ entries: [(String, String)]) -> ONNXModelProto {
    Onnx.model(
      [Onnx.node("Gemm", ["x", "w"], ["y"])],
      [
        .with {
          ($0.name, $0.dims, $0.dataType, $0.dataLocation) = ("w", [2, 2], 1, 1)
          $0.externalData = entries.map { entry in .with { ($0.key, $0.value) = entry } }
        }
      ])
  }

  private func read(_ entries: [(String, String)], _ prepare: (String) throws -> Void = { _ in }) throws -> (
    problem: String?, values: [Double]
  ) {
    try withTemporaryDirectory { folder in
      let place = folder + "/model"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
      let values: [Float] = [9, 1, 2, 3, 4]
      try values.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: place + "/w.bin")) }
      try values.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: folder + "/outside.bin")) }
      try prepare(place)
      let path = place + "/m.onnx"
      try model(entries).serializedData().write(to: URL(fileURLWithPath: path))
      if let problem = try problem(path) { return (problem, []) }
      return (nil, try ImportedNetwork(contentsOf: path).model().tensor(ParameterName("y", .weight)).doubles())
    }
  }

  @Test func elementsBesideTheModelAreRead() throws {
    // Stored by input, as Gemm has them unless it says otherwise.
    #expect(try read([("location", "w.bin"), ("offset", "4"), ("length", "16")]).values == [1, 3, 2, 4])
    #expect(try read([("location", "./w.bin"), ("offset", "4")]).values == [1, 3, 2, 4])
  }

  @Test func elementsElsewhereAreNot() throws {
    func problem(_ location: String, _ prepare: (String) throws -> Void = { _ in }) throws -> String? {
      try read([("location", location), ("offset", "4")], prepare).problem
    }
    for location in ["../outside.bin", "/etc/passwd", "", "a/../../outside.bin"] {
      #expect(try problem(location) == "constant \"w\": its elements lie outside of the model's folder, in \"\(location)\"")
    }
    #expect(
      try problem("link.bin") {
        try FileManager.default.createSymbolicLink(atPath: $0 + "/link.bin", withDestinationPath: "../outside.bin")
      }
        == "constant \"w\": its elements lie outside of the model's folder, in \"link.bin\"")
    #expect(try problem("none.bin") == "constant \"w\": there is no file \"none.bin\" beside the model")
    #expect(
      try problem("folder") { try FileManager.default.createDirectory(atPath: $0 + "/folder", withIntermediateDirectories: false) }
        == "constant \"w\": \"folder\" beside the model: it is a folder")
  }

  /// CVE-2022-25882, CVE-2024-27318: locations that lead out of the folder, also by way of its own folders and of links to folders.
  @Test func cve202225882AndCVE202427318LocationsLeadNowhereElse() throws {
    for location in [
      "../../../../../../../../etc/passwd", "folder/../../outside.bin", "./../outside.bin", "//etc/passwd", "w.bin/../../outside.bin",
    ] {
      let found = try read([("location", location), ("offset", "4")]) {
        try FileManager.default.createDirectory(atPath: $0 + "/folder", withIntermediateDirectories: false)
      }.problem
      #expect(found == "constant \"w\": its elements lie outside of the model's folder, in \(location.debugDescription)")
    }
    let linked = try read([("location", "up/outside.bin"), ("offset", "4")]) {
      try FileManager.default.createSymbolicLink(atPath: $0 + "/up", withDestinationPath: "..")
    }
    #expect(linked.problem == "constant \"w\": its elements lie outside of the model's folder, in \"up/outside.bin\"")
  }

  /// CVE-2025-51480: a program that keeps a model's locations when it writes the model overwrites what they lead to.
  @Test func cve202551480NothingIsWrittenWhereAModelSays() throws {
    try withTemporaryDirectory { folder in
      let (data, path) = (folder + "/w.bin", folder + "/m.onnx")
      try ([1, 2, 3, 4] as [Float]).withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: data)) }
      try model([("location", "w.bin")]).serializedData().write(to: URL(fileURLWithPath: path))
      let imported = try ImportedNetwork(contentsOf: path).model()
      try Data("mine".utf8).write(to: URL(fileURLWithPath: data))
      try ONNXExport(imported, writer: ("tests", "1")).data().write(to: URL(fileURLWithPath: folder + "/out.onnx"))
      #expect(try Data(contentsOf: URL(fileURLWithPath: data)) == Data("mine".utf8))
      #expect(try ImportedNetwork(contentsOf: folder + "/out.onnx").model().tensor(ParameterName("y", .weight)).doubles() == [1, 3, 2, 4])
    }
  }

  /// Opening a pipe would wait for a writer.
  @Test func onlyFilesAreRead() throws {
    let found = try read([("location", "pipe")]) { #expect(mkfifo($0 + "/pipe", 0o600) == 0) }
    #expect(found.problem == "constant \"w\": \"pipe\" beside the model: it is not a file")
  }

  @Test func rangesMustLieWithin() throws {
    func problem(_ offset: String, _ length: String) throws -> String? {
      try read([("location", "w.bin"), ("offset", offset), ("length", length)]).problem
    }
    #expect(try problem("21", "0") == "constant \"w\": \"w.bin\" has 20 bytes, and it would begin at 21")
    #expect(try problem("8", "16") == "constant \"w\": \"w.bin\" has 20 bytes, and it would be 16 from 8 on")
    #expect(try problem("4", "12") == "constant \"w\": 4 elements of float32 need 16 bytes, and there are 12")
    let most = "9223372036854775807"
    #expect(try problem(most, most) == "constant \"w\": \"w.bin\" has 20 bytes, and it would begin at \(most)")
    #expect(try problem("4", most) == "constant \"w\": \"w.bin\" has 20 bytes, and it would be \(most) from 4 on")
    #expect(try problem("4", "-16") == "constant \"w\": its length \"-16\" is impossible")
    #expect(try problem("-4", "16") == "constant \"w\": its offset \"-4\" is impossible")
    #expect(try problem("9223372036854775808", "16") == "constant \"w\": its offset \"9223372036854775808\" is impossible")
  }
}

import Foundation
import Interruptions
@testable import Reports
import Results
import TestSupport
import Testing

@Suite struct VegaRendererTests {
  private let charts = (try? Report(Fixtures.benchmark).charts) ?? []

  /// A program that does what a shell script says, whatever it is given.
  private func program(_ folder: String, _ name: String, _ script: String) throws -> String {
    let path = folder + "/" + name
    try ("#!/bin/sh\n" + script + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  private func problem(_ programs: [String], timeout: Double = 60) -> String? {
    let error = #expect(throws: RenderingError.self) {
      try VegaRenderer(programs: programs, timeout: timeout).render(charts, pictures: [])
    }
    return error?.description
  }

  @Test func programsWithoutThePackageAreNamed() throws {
    try withTemporaryDirectory { folder in
      let without = try program(folder, "without", "exit 69")
      #expect(
        problem([folder + "/none", without])
          == "no charts: \(folder)/none cannot be run (No such file or directory) and \(without) has no vl-convert-python; install it with "
          + "\"python3 -m pip install vl-convert-python\", or set ESPALIER_PYTHON to a Python that has it")
    }
  }

  @Test func whatGoesWrongIsOneLine() throws {
    try withTemporaryDirectory { folder in
      let broken = try program(folder, "broken", "echo first >&2; echo 'RuntimeError: no font' >&2; exit 3")
      #expect(problem([broken]) == "the charts could not be drawn: \(broken) ended with status 3: RuntimeError: no font")
      let silent = try program(folder, "silent", "echo nonsense")
      #expect(problem([silent]) == "the charts could not be drawn: \(silent) ended with status 0")
      let slow = try program(folder, "slow", "sleep 600")
      #expect(problem([slow], timeout: 0.1) == "the charts could not be drawn: \(slow) took longer than 100 ms")
      let killed = try program(folder, "killed", "kill -9 $$")
      #expect(problem([killed]) == "the charts could not be drawn: \(killed) ended with status 137")
    }
  }

  /// As while another thread starts a child that holds its descriptor for a moment.
  @Test func aProgramThatIsBeingWrittenIsAwaited() throws {
    try withTemporaryDirectory { folder in
      let path = try program(folder, "written", "exit 3")
      let held = try #require(FileHandle(forWritingAtPath: path))
      Thread {
        usleep(50_000)
        try? held.close()
      }.start()
      #expect(problem([path]) == "the charts could not be drawn: \(path) ended with status 3")
      let kept = try #require(FileHandle(forWritingAtPath: path))
      #expect(problem([path])?.hasPrefix("no charts: \(path) cannot be run (Text file busy)") == true)
      try kept.close()
    }
  }

  /// The request goes in whole, the answer comes out whole, however large both are.
  @Test func theAnswerIsRead() throws {
    try withTemporaryDirectory { folder in
      let path = try program(
        folder, "answers",
        "cat >'\(folder)/request'; printf '{\"runtime\":\"'; head -c 3000000 /dev/zero | tr '\\0' x; "
          + "printf '\",\"svg\":{\"a\":\"<svg/>\"},\"png\":{\"a\":\"AQID\"}}'")
      let rendered = try VegaRenderer(programs: [path]).render(charts, pictures: [.png])
      #expect(rendered.runtime?.utf8.count == 3_000_000 && rendered.svg == ["a": "<svg/>"] && rendered.png == ["a": [1, 2, 3]])
      struct Request: Decodable {
        struct Chart: Decodable { var id: String }
        var charts: [Chart]
        var png: Bool
      }
      let request = try JSONDecoder().decode(Request.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/request")))
      #expect(request.charts.map(\.id) == charts.map(\.id) && request.png)
    }
  }

  @Test func aRequestToStopEndsTheProgram() throws {
    try withTemporaryDirectory { folder in
      let slow = try program(folder, "slow", "sleep 600")
      Interruption.$isRequested.withValue({ true }) {
        #expect(throws: Interrupted.self) { try VegaRenderer(programs: [slow]).render(charts, pictures: []) }
      }
    }
  }

  @Test func whichProgramsAreTried() throws {
    try withTemporaryDirectory { folder in
      #expect(VegaRenderer.programs(["ESPALIER_PYTHON": "/opt/python"], beside: folder + "/espalier") == ["/opt/python"])
      #expect(VegaRenderer.programs([:], beside: folder + "/espalier") == ["python3"])
      let python = try program(folder, "python3", "exit 0")
      #expect(VegaRenderer.programs([:], beside: folder + "/espalier") == [python, "python3"])
      #expect(VegaRenderer.programs([:], beside: "espalier") == ["python3"])
    }
  }

  /// A report without pictures is still a report.
  @Test func aProblemDoesNotCostTheReport() throws {
    let rendered = try Report(Fixtures.benchmark).render(by: VegaRenderer(programs: ["/none/python3"]))
    #expect(rendered.problem?.hasPrefix("no charts: /none/python3 cannot be run") == true && rendered.runtime == nil)
  }

  @Test(.enabled(if: Browser.hasRenderer, "needs vl-convert-python: python3 -m pip install vl-convert-python"))
  func realPictures() throws {
    let rendered = try VegaRenderer().render(charts, pictures: [.svg, .png])
    #expect(rendered.problem == nil && (rendered.runtime?.utf8.count ?? 0) > 100_000)
    for chart in charts {
      #expect(
        rendered.svg[chart.id]?.hasPrefix("<svg") == true && rendered.svg[chart.id]?.contains(">unit-taylor</text>") == true, "\(chart.id)")
      #expect(rendered.png[chart.id]?.prefix(4) == [0x89, 0x50, 0x4E, 0x47], "\(chart.id)")
    }
  }
}

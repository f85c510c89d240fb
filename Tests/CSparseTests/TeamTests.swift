import CSparse
import Foundation
import Testing

@Suite struct TeamTests {
  /// Each member writes its cell and, when all have come, finds everybody's; the last cell counts what was missing.
  private static let meet: @convention(c) (UnsafeMutableRawPointer, UInt32, OpaquePointer) -> Void = { context, member, team in
    let cells = context.assumingMemoryBound(to: Int32.self)
    let count = Int(cs_team_count(team))
    for round in 1...20 as ClosedRange<Int32> {
      cells[Int(member)] = cells[count] + round
      cs_team_wait(team)
      if (0..<count).contains(where: { cells[$0] != cells[count] + round }) { cells[count + 1] += 1 }
      cs_team_wait(team)
    }
  }

  @Test(arguments: [1, 2, 3, 8] as [UInt32]) func allWaitForAll(count: UInt32) throws {
    let team = try #require(cs_team_new(count))
    defer { cs_team_free(team) }
    #expect(cs_team_count(team) == count)
    let cells = UnsafeMutablePointer<Int32>.allocate(capacity: Int(count) + 2)
    cells.initialize(repeating: 0, count: Int(count) + 2)
    defer { cells.deallocate() }
    for call in 0..<30 as Range<Int32> {
      cells[Int(count)] = 100 * call
      cs_team_run(team, Self.meet, cells)
      #expect((0..<Int(count)).allSatisfy { cells[$0] == 100 * call + 20 }, "call \(call)")
      // Long enough for the others to fall asleep.
      if call % 10 == 0 { usleep(5_000) }
    }
    #expect(cells[Int(count) + 1] == 0)
  }

  @Test func aTeamThatNeverWorkedEnds() throws { cs_team_free(try #require(cs_team_new(4))) }

  #if os(Linux)
    /// A team's threads are kept on one processor each, none of them the first, which is the caller's.
    @Test func threadsArePinnedToProcessorsOfTheirOwn() throws {
      let own = try Self.processors()
      try #require(own.count > 1, "one processor only")
      let team = try #require(cs_team_new(2))
      defer { cs_team_free(team) }
      #expect(cs_team_pin(team) == 1)
      // Each member writes where it may run.
      let found = UnsafeMutablePointer<[Int]>.allocate(capacity: 2)
      found.initialize(repeating: [], count: 2)
      defer {
        found.deinitialize(count: 2)
        found.deallocate()
      }
      let look: @convention(c) (UnsafeMutableRawPointer, UInt32, OpaquePointer) -> Void = { context, member, _ in
        context.assumingMemoryBound(to: [Int].self)[Int(member)] = (try? TeamTests.processors()) ?? []
      }
      cs_team_run(team, look, found)
      #expect(found[0] == own)
      #expect(found[1] == [own[1]])
    }

    @Test func moreThreadsThanProcessorsAreNotPinned() throws {
      let team = try #require(cs_team_new(1025))
      defer { cs_team_free(team) }
      #expect(cs_team_pin(team) == 0)
    }

    /// The processors that the calling thread may use, of a line such as `Cpus_allowed_list: 0-3,6`.
    private static func processors() throws -> [Int] {
      let status = try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") })
      return line.dropFirst("Cpus_allowed_list:".count).split(separator: ",").flatMap { part in
        let ends = part.split(separator: "-").compactMap { Int($0.filter(\.isNumber)) }
        return ends.isEmpty ? [] : Array(ends[0]...(ends.last ?? ends[0]))
      }
    }
  #endif
}

@testable import Reports
import Results
import Testing

@Suite struct InputPictureTests {
  /// A study of one method with two seeds, of which the first layer reads these pixels.
  private func study(_ counts: [[[Int]]]) throws -> StudyResult {
    var study = Fixtures.benchmark
    study.runs = Array(study.runs.prefix(counts.count))
    for index in study.runs.indices { study.runs[index].row?.inputs = InputReads(layer: "fc1", counts: counts[index]) }
    return study
  }

  /// Means 8, 0, 1 and 4 of seeds: 16, 0, 2 and 8 sixteenths of the most.
  @Test func meansOverSeeds() throws {
    let panel = try #require(StudyGrid(try study([[[10, 0], [1, 4]], [[6, 0], [1, 4]]])).panels.first)
    let picture = try #require(panel.inputPictures.first)
    #expect(panel.inputPictures.count == 1 && picture.title == "magnitude, density 0.2")
    #expect(picture.shares == [[1, 0], [0.125, 0.5]] && picture.words == "3 of 4 pixels read, at most by 8 weights")
    #expect(
      picture.svg
        == "<svg viewBox=\"0 0 2 2\" shape-rendering=\"crispEdges\" fill=\"currentColor\" aria-hidden=\"true\">"
        + "<path opacity=\"0.125\" d=\"M0 1h1v1h-1z\"/><path opacity=\"0.500\" d=\"M1 1h1v1h-1z\"/><path opacity=\"1.000\" d=\"M0 0h1v1h-1z\"/></svg>"
    )
  }

  /// Neighbours of one shade are one stroke; what is read at all is seen.
  @Test func strokes() {
    let picture = PixelPicture(title: "", words: "", shares: [[0.001, 0.001, 0, 1, 1, 1]])
    #expect(
      picture.svg.contains("<path opacity=\"0.062\" d=\"M0 0h2v1h-2z\"/>")
        || picture.svg.contains("<path opacity=\"0.063\" d=\"M0 0h2v1h-2z\"/>"))
    #expect(picture.svg.contains("d=\"M3 0h3v1h-3z\""))
  }

  @Test func onThePage() throws {
    let page = try Report(study([[[0, 0], [0, 0]]])).html(renderer: nil)
    #expect(page.contains("<section id=\"inputs\"") && page.contains("0 of 4 pixels read, at most by 0 weights"))
    #expect(try !Report(Fixtures.benchmark).html(renderer: nil).contains("<section id=\"inputs\""))
  }

  /// Claims have their interval beside the number that decides.
  @Test func claimsAreDrawn() throws {
    let range = try #require(ReportTable.claims(Fixtures.claims).rows[0][3].range)
    #expect(range == .init(lower: 0.005667, value: 0.007833, upper: 0.01, mark: 0))
    // From 0 to 0.01 over 104 units, 8 from the edge.
    #expect(
      range.svg
        == "<svg class=\"range\" viewBox=\"0 0 120 14\" aria-hidden=\"true\"><path class=\"mark\" d=\"M8.0 0V14\"/>"
        + "<path class=\"bar\" d=\"M66.9 7H112.0\"/><circle cx=\"89.5\" cy=\"7\" r=\"3.2\"/></svg>")
    #expect(ReportTable.claims(Fixtures.claims).rows[3][3].range == nil)
    #expect(ReportTable.Cell.Range(lower: 1, value: 1, upper: 1, mark: 1).svg.contains("M60.0 0V14"))
    #expect(ReportTable.Cell.Range(lower: -.infinity, value: 1, upper: 1, mark: 1).svg == "")
  }
}

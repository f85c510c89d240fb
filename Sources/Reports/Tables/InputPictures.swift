internal import Results

/// A picture of small squares, one for each pixel of the images that a network reads: the stronger, the more weights read it.
struct PixelPicture: Hashable, Sendable {
  /// What it shows, in a line.
  var title: String
  /// What else can be said of it, in a line.
  var words: String
  /// By row and column, from 0 (not read) to 1 (read by most).
  var shares: [[Double]]
}

extension Panel {
  /// What the first layer still reads of the images, a picture for each cell, means over seeds.
  ///
  /// Seeds whose images have another shape than the first one's, which no grid makes, are left out.
  var inputPictures: [PixelPicture] {
    let all = cells.compactMap { cell -> (cell: Cell, reads: [InputReads], means: [[Double]])? in
      let found = cell.rows.compactMap(\.inputs)
      guard let first = found.first else { return nil }
      let same = found.filter { $0.counts.map(\.count) == first.counts.map(\.count) }
      let means = first.counts.indices.map { y in
        first.counts[y].indices.map { x in same.reduce(0) { $0 + Double($1.counts[y][x]) } / Double(same.count) }
      }
      return (cell, same, means)
    }
    return all.map { cell, reads, means in
      // Within a picture: between densities the darkest would leave nothing of the others.
      let most = means.flatMap(\.self).max() ?? 0
      let place = [cell.series, levelWords(cell.level)].filter { !$0.isEmpty }.joined(separator: ", ")
      let read = Estimate(reads.map { Double($0.read) })
      return PixelPicture(
        title: place + suffix,
        words: "\(read.map { Format.count(Int(saturating: $0.mean)) } ?? "–") of \(English.count(reads.first?.pixels ?? 0, "pixel")) read, "
          + "at most by \(English.count(Int(saturating: most), "weight"))",
        shares: most > 0 ? means.map { $0.map { $0 / most } } : means)
    }
  }
}

extension PixelPicture {
  /// The picture as SVG that takes the colour of the text around it.
  var svg: String {
    let width = shares.first?.count ?? 0
    // A path for each of sixteen shades, with runs of pixels in one stroke: a tenth of what squares by themselves would take.
    let paths = (1...16).map { shade in
      var path = ""
      for (y, row) in shares.enumerated() {
        var x = 0
        while x < row.count {
          let start = x
          while x < row.count, Self.shade(row[x]) == shade { x += 1 }
          if x > start { path += "M\(start) \(y)h\(x - start)v1h-\(x - start)z" } else { x += 1 }
        }
      }
      return path.isEmpty ? "" : "<path opacity=\"\(Format.fixed(Double(shade) / 16, 3))\" d=\"\(path)\"/>"
    }
    return "<svg viewBox=\"0 0 \(width) \(shares.count)\" shape-rendering=\"crispEdges\" fill=\"currentColor\" aria-hidden=\"true\">"
      + paths.joined() + "</svg>"
  }

  /// 0 for a pixel that nothing reads, and for no other.
  private static func shade(_ share: Double) -> Int { share > 0 ? min(max(Int((share * 16).rounded()), 1), 16) : 0 }

  /// The picture with its words.
  var html: String {
    "<div class=\"picture\" role=\"figure\" aria-label=\"\(HTML.escaped("\(title): \(words)"))\">\(svg)"
      + "<p><strong>\(HTML.escaped(title))</strong><br>\(HTML.escaped(words))</p></div>\n"
  }
}

internal import Foundation
internal import Results
internal import Words

/// Text as HTML.
enum HTML {
  /// Returns text of which nothing is taken for markup, in elements and in quoted attributes.
  ///
  /// - Parameter keepsLines: whether line feeds stay, as in a recipe.
  static func escaped(_ text: String, keepsLines: Bool = false) -> String {
    var result = ""
    for scalar in text.printable(keepsLines: keepsLines).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Returns JSON that stays within its script element: what could end that, or cannot be seen, is written as escapes.
  static func script(_ json: JSON) -> String {
    var result = ""
    for scalar in json.text.printable().unicodeScalars {
      switch scalar {
      case "<": result += "\\u003c"
      case ">": result += "\\u003e"
      case "&": result += "\\u0026"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Returns JavaScript that stays within its script element, with the same meaning: in strings and patterns the escapes are the same text.
  static func script(_ code: String) -> String {
    code.replacing("</script", with: "<\\/script").replacing("</SCRIPT", with: "<\\/SCRIPT").replacing("<!--", with: "<\\!--")
  }

  /// Returns the address of an image that is part of the page.
  static func image(svg: String) -> String { "data:image/svg+xml;base64," + Data(svg.utf8).base64EncodedString() }
}

extension ReportTable {
  /// The table in HTML, in a region that scrolls by itself.
  ///
  /// - Parameter isSortable: whether scripts may sort and filter it.
  func html(isSortable: Bool = true) -> String {
    let name = "caption-\(id)"
    let head = columns.map { "<th scope=\"col\"\($0.isNumber ? " class=\"n\"" : "")>\(HTML.escaped($0.title))</th>" }.joined()
    let body = rows.map { row in
      "<tr>"
        + zip(row, columns).enumerated().map { index, pair in
          let (cell, column) = pair
          let classes = [column.isNumber ? "n" : column.isWide ? "wide" : nil, cell.tone?.rawValue, cell.shade == nil ? nil : "shade"]
            .compactMap(\.self)
          let kind = classes.isEmpty ? "" : " class=\"\(classes.joined(separator: " "))\""
          let value = cell.value.map { $0.isFinite ? " data-v=\"\($0)\"" : "" } ?? ""
          let shade = cell.shade.map { " style=\"--s:\(Format.fixed(min(max($0, 0), 1), 3))\"" } ?? ""
          let tag = index == 0 ? "th" : "td"
          return
            "<\(tag)\(index == 0 ? " scope=\"row\"" : "")\(kind)\(value)\(shade)>\(HTML.escaped(cell.text))\(cell.range?.svg ?? "")</\(tag)>"
        }.joined() + "</tr>\n"
    }.joined()
    return "<p class=\"caption\" id=\"\(name)\">\(HTML.escaped(caption))</p>\n"
      + "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"\(name)\">"
      + "<table id=\"\(id)\" aria-labelledby=\"\(name)\"\(isSortable ? " data-sortable" : "")>\n<thead><tr>\(head)</tr></thead>\n"
      + "<tbody>\n\(body)</tbody></table></div>\n"
  }
}

extension ReportTable.Cell.Range {
  /// The interval as a bar, the value as a dot, and the number beside them as a dashed line; nothing where one of them is no number.
  var svg: String {
    let all = [lower, value, upper, mark]
    guard let least = all.min(), let most = all.max(), all.allSatisfy(\.isFinite) else { return "" }
    // All the same: everything in the middle.
    let span = most > least ? most - least : 1
    let start = most > least ? least : least - 0.5
    func place(_ value: Double) -> String { Format.fixed(8 + 104 * (value - start) / span, 1) }
    return "<svg class=\"range\" viewBox=\"0 0 120 14\" aria-hidden=\"true\">"
      + "<path class=\"mark\" d=\"M\(place(mark)) 0V14\"/><path class=\"bar\" d=\"M\(place(lower)) 7H\(place(upper))\"/>"
      + "<circle cx=\"\(place(value))\" cy=\"7\" r=\"3.2\"/></svg>"
  }
}

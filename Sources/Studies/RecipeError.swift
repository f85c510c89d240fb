/// The error of a recipe, at its place in the file.
public struct RecipeError: Error, CustomStringConvertible, Hashable {
  /// Path of the recipe, as it was given.
  public var file: String
  /// Where in the recipe; nil for the whole of it.
  public var place: Place?
  /// What is wrong, and what is possible.
  public var problem: String

  /// A place in a recipe, both numbers from 1.
  public struct Place: Hashable, Sendable, Comparable {
    /// Number of the line.
    public var line: Int
    /// Number of the character in it.
    public var column: Int

    /// Creates a place; every parameter sets the property of the same name.
    public init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }

    /// Whether a place comes before another.
    public static func < (a: Self, b: Self) -> Bool { (a.line, a.column) < (b.line, b.column) }
  }

  /// Creates an error; every parameter sets the property of the same name.
  public init(file: String, place: Place? = nil, problem: String) {
    self.file = file
    self.place = place
    self.problem = problem
  }

  /// The error as compilers write it: `recipe.yaml:3:5: unknown key "epocs"; did you mean epochs?`.
  public var description: String {
    (place.map { "\(file):\($0.line):\($0.column): " } ?? "\(file): ") + problem
  }
}

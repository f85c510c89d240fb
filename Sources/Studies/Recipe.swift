/// A study as a value: a grid of command lines, and the claims that their rows are to judge.
///
/// A recipe names options of the program's own commands, without the dashes, and adds nothing to them: a run of a study is exactly the run
/// that the same command line would make by itself. A run gets the options that all runs have, then those of the scale, then those of its
/// place on each axis; what a named place says wins over plain values.
public struct Recipe: Hashable, Sendable {
  /// Name of the study: small letters, digits and hyphens.
  public var name: String
  /// What it asks, in a sentence or two.
  public var about: String
  /// The scale that was chosen; nil if the recipe has none.
  public var scale: String?
  /// The command and options of all runs.
  public var shared: Entry
  /// The axes of the grid, in order.
  public var axes: [Axis]
  /// The claims to judge.
  public var claims: [Claim]
  /// Path of the file that it was read from.
  public var file: String
  /// The file's text.
  public var text: String

  /// Creates a recipe; every parameter sets the property of the same name.
  public init(
    name: String, about: String = "", scale: String? = nil, shared: Entry = Entry(), axes: [Axis], claims: [Claim] = [],
    file: String = "recipe", text: String = ""
  ) {
    self.name = name
    self.about = about
    self.scale = scale
    self.shared = shared
    self.axes = axes
    self.claims = claims
    self.file = file
    self.text = text
  }

  /// An option of a command.
  public struct Setting: Hashable, Sendable {
    /// The value of an option.
    public enum Value: Hashable, Sendable {
      /// A value, as in `--sparsity 0.9`.
      case text(String)
      /// Several values, each behind the option's name again, as in `--ignore conv1 --ignore conv2`.
      case texts([String])
      /// None, as in `--slimming`: the option is a flag.
      case flag
      /// The option is left out, whatever was said before.
      case none
    }
    /// Name of the option, without dashes.
    public var option: String
    /// The value given, if any.
    public var value: Value
    /// Where the recipe says so.
    public var place: RecipeError.Place?

    /// The name by which a recipe gives the model file that a command begins with, which has no option.
    public static let modelOption = "model"

    /// Path of the model file, if this setting gives one.
    var model: String? {
      if option == Self.modelOption, case .text(let path) = value { path } else { nil }
    }

    /// Creates a setting; every parameter sets the property of the same name.
    public init(_ option: String, _ value: Value, at place: RecipeError.Place? = nil) {
      self.option = option
      self.value = value
      self.place = place
    }
  }

  /// What is said of a run at one place: its command, its options, and the run that it starts from.
  public struct Entry: Hashable, Sendable {
    /// The command; nil if it is said elsewhere.
    public var command: String?
    /// The options, in order.
    public var settings: [Setting]
    /// Where on other axes the run lies whose model this one starts from; on axes that are not named it lies where this one does.
    public var from: [String: String]?
    /// Where the recipe says this.
    public var place: RecipeError.Place?

    /// Creates an entry; every parameter sets the property of the same name.
    public init(
      command: String? = nil, settings: [Setting] = [], from: [String: String]? = nil, place: RecipeError.Place? = nil
    ) {
      self.command = command
      self.settings = settings
      self.from = from
      self.place = place
    }
  }

  /// An axis of the grid.
  public struct Axis: Hashable, Sendable {
    /// Name of the axis; if its places have no options of their own, the option that they are values of.
    public var name: String
    /// The places on it, each with what it says of its runs.
    public var places: [(name: String, entry: Entry)]
    /// Whether places have names and options of their own, instead of being values of one option.
    public var isNamed: Bool

    /// Creates an axis; every parameter sets the property of the same name.
    public init(_ name: String, isNamed: Bool, _ places: [(name: String, entry: Entry)]) {
      self.name = name
      self.isNamed = isNamed
      self.places = places
    }

    /// Creates an axis of values of the option of its name.
    public init(_ option: String, values: [String]) {
      self.init(option, isNamed: false, values.map { ($0, Entry(settings: [Setting(option, .text($0))])) })
    }

    /// Whether two axes are the same.
    public static func == (a: Self, b: Self) -> Bool {
      a.name == b.name && a.isNamed == b.isNamed && a.places.elementsEqual(b.places) { $0 == $1 }
    }

    /// Hashes the name and the places.
    public func hash(into hasher: inout Hasher) {
      hasher.combine(name)
      for place in places {
        hasher.combine(place.name)
        hasher.combine(place.entry)
      }
    }
  }
}

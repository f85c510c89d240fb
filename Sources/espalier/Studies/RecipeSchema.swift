internal import Reports
internal import Results
internal import Studies

/// The JSON Schema (draft 2020-12) of recipes, by which editors complete and check them: the grammar of `RecipeReader`, with the options of the
/// commands as they describe themselves.
///
/// It knows of no values but those that a command lists: whether an epoch is a number is for the command to say, when the study is planned.
enum RecipeSchema {
  /// The schema for a vocabulary.
  static func schema(_ vocabulary: Recipe.Vocabulary, version: String) -> JSON {
    let options = Dictionary(vocabulary.values.flatMap(\.options).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    return [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "title": .string("A recipe of espalier \(version)"),
      "description":
        "A study, that is a grid of runs: every run is a command line of espalier, whose options are named here without dashes.",
      "type": "object",
      "required": ["study", "grid"],
      "additionalProperties": false,
      "properties": [
        "study": [
          "description": "Name of the study: small letters, digits, hyphens.", "type": ["string", "number"], "pattern": "^[a-z0-9-]{1,64}$",
        ],
        "about": described("scalar", "The question, in a sentence or two."),
        "command": described("command", "The command of runs that name no other; prune unless given."),
        "options": described("options", "What all runs have."),
        "scales": [
          "description":
            "By name, options that are added and a grid that replaces values or chooses places; the first is run unless --scale says otherwise.",
          "type": "object", "minProperties": 1, "additionalProperties": ["$ref": "#/$defs/scale"],
        ],
        "grid": described("grid", "The axes: values of the option of their name, or places by name with options of their own."),
        "claims": ["description": "What the rows are to decide.", "type": "array", "items": ["$ref": "#/$defs/claim"]],
      ],
      "$defs": [
        "scalar": ["type": ["string", "number", "boolean"]],
        "scalars": ["anyOf": [["$ref": "#/$defs/scalar"], ["type": "array", "minItems": 1, "items": ["$ref": "#/$defs/scalar"]]]],
        "number": ["anyOf": [["type": "number"], ["type": "string", "pattern": "^[-+]?[0-9.]+([eE][-+]?[0-9]+)?$"]]],
        "command": ["enum": .list(vocabulary.keys.sorted().map { .string($0) })],
        "options": orNothing([
          "type": "object", "additionalProperties": false, "properties": .object(options.mapValues(setting)),
        ]),
        "grid": [
          "type": "object", "minProperties": 1, "additionalProperties": ["$ref": "#/$defs/places"],
          "properties": .object(options.mapValues { ["anyOf": [values($0), ["$ref": "#/$defs/places"]]] }),
        ],
        "places": ["type": "object", "minProperties": 1, "additionalProperties": ["$ref": "#/$defs/place"]],
        "place": orNothing([
          "type": "object", "additionalProperties": false,
          "properties": .object(
            options.mapValues(setting).merging(
              [
                "command": described("command", "The command of these runs."),
                "from": [
                  "description": "Where the run lies whose model this one starts from; on other axes it lies where this one does.",
                  "type": "object", "minProperties": 1, "additionalProperties": ["$ref": "#/$defs/scalar"],
                ],
              ], uniquingKeysWith: { $1 })),
        ]),
        "scale": orNothing([
          "type": "object", "additionalProperties": false,
          "properties": [
            "options": described("options", "What the runs of this scale have besides."),
            "grid": [
              "description": "Other values of an axis, or the names of the places that it keeps.", "type": "object",
              "additionalProperties": ["anyOf": [["$ref": "#/$defs/scalars"], ["$ref": "#/$defs/places"]]],
            ],
          ],
        ]),
        "claim": claim,
        "measure": measure,
        "claimed": [
          "type": "object", "additionalProperties": ["$ref": "#/$defs/scalars"],
          "description": "Places by axis; everywhere on axes that are not named.",
        ],
      ],
    ]
  }

  private static func described(_ definition: String, _ words: String) -> JSON {
    ["$ref": .string("#/$defs/" + definition), "description": .string(words)]
  }

  private static func orNothing(_ schema: JSON) -> JSON { ["anyOf": [["type": "null"], schema]] }

  /// What an option may be set to: null leaves it out, and so does false.
  private static func setting(_ option: Recipe.Option) -> JSON {
    guard !option.isFlag else { return ["description": .string(option.help), "type": ["boolean", "null"]] }
    return ["description": .string(option.help), "anyOf": [values(option), ["type": "null"], ["const": false]]]
  }

  /// One value of an option or several: as an axis has them, and as an option has them, joined by commas or each behind its name.
  private static func values(_ option: Recipe.Option) -> JSON {
    if option.isFlag { return false }
    let one: JSON = option.values.isEmpty ? ["type": ["string", "number"]] : ["enum": .list(option.values.map { .string($0) })]
    return ["anyOf": [one, ["type": "array", "minItems": 1, "items": one]]]
  }

  private static var measure: JSON {
    let families = RowQuantity.families.map(\.name).joined(separator: "|")
    let quantities = RowQuantity.all.map { quantity -> JSON in
      ["const": .string(quantity.name), "description": .string(quantity.words)]
    }
    let family: JSON = [
      "type": "string", "pattern": .string("^(\(families))@(0?\\.[0-9]+|1(\\.0+)?)$"),
      "description": .string(RowQuantity.families.map { "\($0.example): \($0.words) 0.95" }.joined(separator: "; ")),
    ]
    return ["anyOf": .list(quantities + [family])]
  }

  private static var claim: JSON {
    let sides = ClaimResult.Side.allCases.map(\.rawValue)
    var properties: [String: JSON] = [
      "id": described("scalar", "Name of the claim, e.g. LT-8."),
      "statement": described("scalar", "The statement in words."),
      "source": described("scalar", "The paper that says it."),
      "measure": described("measure", "The quantity of a row."),
      "of": described("claimed", "The runs that it is about."),
      "tickets": [
        "enum": .list(TicketAnalysis.claimNames.map { .string($0) }),
        "description": "The claim of Frankle & Carbin on all rounds and branches of a ticket study, in place of a measure.",
      ],
      "minus": described("claimed", "The runs whose quantity is subtracted, paired by seed."),
      "minus-measure": described("measure", "The quantity of the same run that is subtracted."),
      "over": described("claimed", "The runs whose quantity it is divided by, paired by seed."),
      "correlates-with": described("measure", "The quantity that it goes together with, over all runs."),
      "within": described("scalars", "Axes whose settings are compared only with themselves."),
      "scales": described("scalars", "The scales at which it can be judged."),
      "setting": described("scalar", "How the setting differs from the paper's."),
    ]
    for side in sides { properties[side] = described("number", "The number that decides.") }
    return [
      "type": "object", "required": ["id", "statement"], "additionalProperties": false, "properties": .object(properties),
      "dependentRequired": ["within": ["correlates-with"]],
      "oneOf": [["required": ["measure"]], ["required": ["tickets"]]],
      "allOf": [atMostOne(of: sides), atMostOne(of: ["minus", "minus-measure", "over", "correlates-with"])],
    ]
  }

  private static func atMostOne(of names: [String]) -> JSON {
    let pairs = names.indices.flatMap { first in names[(first + 1)...].map { [names[first], $0] } }
    return ["not": ["anyOf": .list(pairs.map { ["required": .list($0.map { .string($0) })] })]]
  }
}

import Batches
import Records
import Tables

/// What a model knows of the categories of its columns: every one that training has, and the size
/// of the embedding of each.
///
/// The rows of the embedding are those of one column after another: the first of each is that of
/// all categories that the model does not know, and of empty cells.
package struct Categories: Sendable, Equatable, Codable {
  package struct Column: Sendable, Equatable, Codable {
    package var name: String
    /// In the order of the rows.
    package var categories: [String]
  }

  package var columns: [Column]
  package var size: Int

  /// Rows of the embedding.
  package var rowCount: Int { columns.reduce(0) { $0 + $1.categories.count + 1 } }

  /// Learns the categories of some steps.
  ///
  /// - Parameter size: of the embeddings; nil for what the number of categories asks for.
  init(of table: CategoryTable, in parts: [Range<Int>], size: Int?) {
    let width = table.columns.count
    var occurs = table.names.map { [Bool](repeating: false, count: $0.count) }
    for step in parts.lazy.joined() {
      for column in 0..<width { occurs[column][Int(table.codes[step * width + column])] = true }
    }
    columns = table.columns.indices.map { column in
      let names = zip(table.names[column], occurs[column]).filter(\.1).map(\.0)
      return Column(
        name: table.columns[column],
        categories: ClassNames.ordered(names.filter { !$0.isEmpty }))
    }
    let most = columns.map(\.categories.count).max() ?? 1
    var root = 1
    while root * root < most { root += 1 }
    self.size = size ?? min(64, 2 * root)
  }

  /// The row of the embedding of each step's categories, [steps, columns].
  func rows(of table: CategoryTable) -> [Int32] {
    var first: Int32 = 0
    let rows = columns.enumerated().map { index, column in
      let known = Dictionary(
        zip(column.categories, first + 1..<Int32.max)) { number, _ in number }
      defer { first += Int32(column.categories.count) + 1 }
      return table.names[index].map { known[$0] ?? first }
    }
    let width = columns.count
    return table.codes.enumerated().map { index, code in rows[index % width][Int(code)] }
  }

  /// How many of some steps' categories the model does not know, by column.
  func unknown(of rows: HostArray<Int32>, in parts: [Range<Int>]) -> [Int] {
    var first: Int32 = 0
    let unknown = columns.map { column in
      defer { first += Int32(column.categories.count) + 1 }
      return first
    }
    var counts = [Int](repeating: 0, count: columns.count)
    for step in parts.lazy.joined() {
      for column in columns.indices
      where rows[step * columns.count + column] == unknown[column] {
        counts[column] += 1
      }
    }
    return counts
  }
}

extension Categories {
  private static let keys = (columns: "categories", size: "category_size")

  var members: [OrderedJSON.Member] {
    let columns = columns.map { column -> OrderedJSON in
      ["column": .string(column.name), "names": .array(column.categories.map { .string($0) })]
    }
    return [
      .init(Self.keys.columns, .array(columns)), .init(Self.keys.size, .integer(size)),
    ]
  }

  /// Nil where there are none.
  init?(json fields: JSONFields) throws(JSONFieldError) {
    guard case .array(let items)? = fields.value(ifPresent: Self.keys.columns) else { return nil }
    var columns: [Column] = []
    for item in items {
      let own = try JSONFields(item, at: ["dataset", Self.keys.columns])
      columns.append(
        Column(name: try own.string("column"), categories: try own.strings("names")))
    }
    self.columns = columns
    size = try fields.integer(Self.keys.size)
  }

  /// - Parameter count: columns that the config names.
  func check(count: Int) throws(JSONFieldError) {
    guard columns.count == count, 1...1024 ~= size, rowCount < Int(Int32.max),
      columns.allSatisfy({ Set($0.categories).count == $0.categories.count })
    else {
      throw JSONFieldError(
        key: "dataset.\(Self.keys.columns)", problem: "has not the names of \(count) columns")
    }
  }
}

extension DataSummary {
  /// Says which categories there are.
  ///
  /// - Parameters:
  ///   - trained: steps to train on whose category is none or not known, by column.
  ///   - held: the same to validate on.
  mutating func say(_ categories: Categories, unknown trained: [Int], held: [Int]) {
    let shown = categories.columns.enumerated().map { index, column in
      "\"\(column.name)\" \(Format.grouped(column.categories.count))"
        + (trained[index] + held[index] > 0
          ? " (empty or not known in \(trained[index]) + \(held[index]) steps)" : "")
    }
    say(
      "categories",
      "embeddings of \(Format.count(categories.size, "number")) each: "
        + shown.joined(separator: ", "))
    add([
      "categories": .array(
        categories.columns.enumerated().map { index, column in
          [
            "column": .string(column.name), "count": .integer(column.categories.count),
            "unknown": .integer(trained[index]), "validation_unknown": .integer(held[index]),
          ]
        }), "category_size": .integer(categories.size),
    ])
  }

  /// Steps to measure on whose category is none, or one that the model does not know, by column;
  /// of columns that have such.
  package var unknownCategories: [(column: String, steps: Int)] {
    guard case .array(let columns)? = json["categories"] else { return [] }
    return columns.compactMap { column in
      guard let name = column["column"]?.stringValue,
        let steps = column["validation_unknown"]?.integerValue, steps > 0
      else { return nil }
      return (name, steps)
    }
  }
}

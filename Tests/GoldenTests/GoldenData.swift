import Foundation

/// The data that golden configs train on, made by a counted generator: every file is a pure
/// function of this source, and none is kept.
///
/// Changing a byte of any of them changes trajectories. Add another file instead.
enum GoldenData {
  /// Every file by its name.
  static var files: [String: String] {
    [
      "text.txt": text(words: 500, from: 0),
      "valid.txt": text(words: 90, from: 10_000),
      "utf8.txt": unicodeText,
      "classes.csv": "sequence,label" + classTable,
      "classes.table": "id,kind" + classTable,
      "classes.jsonl": classLines,
      "classes.ts": classArchive,
      "classes.archive": classArchive,
      "series.csv": seriesTable,
      "series.jsonl": seriesLines,
      "labels.csv": labelTable,
      "labels.jsonl": labelLines(sequences: 14, from: 60_000),
      "labels-valid.jsonl": labelLines(sequences: 3, from: 70_000),
      "spaces.txt": spacedText,
      "drift.txt": text(words: 300, from: 90_000) + unicodeText,
      "first.txt": String(text(words: 150, from: 91_000).dropLast()),
      "second.txt": "\u{FEFF}" + text(words: 200, from: 92_000),
      "offset.csv": offsetTable,
      "spike.csv": spikeTable,
      "sayings.csv": sayingTable,
      "tags.conll": tagColumns,
      "sessions.csv": sessionTable,
      "goals.csv": goalTable,
      "goals.jsonl": goalLines,
      "stream.csv": streamTable,
      "shops.csv": shopTable,
      "vectors.txt": vectors,
    ]
  }

  /// Vectors of letters, as GloVe writes them.
  private static var vectors: String {
    "aeiouxyz".enumerated().map { place, letter in
      let numbers = (0..<6).map { number(95_000 + 6 * place + $0, below: 2000) - 1000 }
      return ([String(letter)] + numbers.map(decimal)).joined(separator: " ") + "\n"
    }.joined()
  }

  /// Writes all files to a folder.
  static func write(to folder: URL) throws {
    for (name, content) in files {
      try Data(content.utf8).write(to: folder.appendingPathComponent(name))
    }
  }

  /// A number below `bound`, the same for the same count (the finalizer of SplitMix64).
  static func number(_ count: Int, below bound: Int) -> Int {
    var bits = UInt64(count + 1) &* 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((bits ^ (bits >> 31)) >> 33) % bound
  }

  /// Thousandths as a decimal fraction, without the help of a floating-point number.
  static func decimal(_ thousandths: Int) -> String {
    let digits = String(abs(thousandths) % 1000)
    let zeros = String(repeating: "0", count: 3 - digits.count)
    return "\(thousandths < 0 ? "-" : "")\(abs(thousandths) / 1000).\(zeros)\(digits)"
  }

  /// A word of up to three syllables; small ranks are frequent.
  private static func word(_ count: Int) -> String {
    let syllables = ["ba", "do", "ke", "li", "mu", "na", "ro", "sit", "ta", "ven"]
    let rank = number(count, below: 1 + number(count + 500_000, below: 120))
    return syllables[rank % 10] + (rank >= 10 ? syllables[rank / 10 % 10] : "")
      + (rank >= 100 ? "s" : "")
  }

  private static func text(words: Int, from start: Int) -> String {
    var text = ""
    for index in 0..<words {
      let count = start + index
      text += word(count)
      switch number(count + 1_000_000, below: 12) {
      case 0: text += ".\n"
      case 1: text += ", "
      case 2: text += " \(number(count, below: 300)) "
      default: text += " "
      }
    }
    return text + "\n"
  }

  /// Scalars of one to four bytes.
  private static var unicodeText: String {
    let words = ["grün", "été", "λόγος", "мир", "言葉", "🙂", "na", "ba", "do", "naïve", "ﬁ"]
    var text = ""
    for index in 0..<260 {
      text += words[number(20_000 + index, below: words.count)]
      text += number(30_000 + index, below: 9) == 0 ? "\n" : " "
    }
    return text
  }

  /// Words and what separates them by Unicode's rules, after a byte order mark.
  private static var spacedText: String {
    let words = ["na", "ba", "日本", "語、", "été", "do", "「言葉」", "мир", "ke.", "x\u{301}"]
    let spaces = [
      " ", " ", " ", "\u{A0}", "\u{3000}", "\u{2003}", "\u{202F}", "\n", "\r\n", "\r",
      "\u{85}", "\u{2028}", "\u{2029}", "\t",
    ]
    var text = "\u{FEFF}"
    for index in 0..<300 {
      text += words[number(93_000 + index, below: words.count)]
      text += spaces[number(94_000 + index, below: spaces.count)]
    }
    return text
  }

  /// Small changes of large numbers.
  private static var offsetTable: String {
    var table = "x,y\n"
    for index in 0..<120 {
      let (x, y) = (step(index, series: 0, column: 0), step(index, series: 1, column: 1))
      table += "\(100_000_000 + x / 1000).\(100 + x % 1000 * (x < 0 ? -1 : 1) / 2),"
      table += "-\(90_000_000 + abs(y) % 1000).5\n"
    }
    return table
  }

  /// One value whose square is beyond single precision.
  private static var spikeTable: String {
    var table = "x\n"
    for index in 0..<120 {
      table += index == 40 ? "1e30\n" : decimal(step(index, series: 0, column: 0)) + "\n"
    }
    return table
  }

  /// Texts of two classes, the words of one of which have an s at the end more often.
  private static var sayingTable: String {
    var table = "label,text\n"
    for index in 0..<60 {
      let kind = number(95_000 + index, below: 2)
      let words = (0..<(1 + number(95_100 + index, below: 7))).map { place in
        word(96_000 + 10 * index + place) + (number(97_000 + place, below: 3) < kind ? "s" : "")
      }
      table += "\(kind == 0 ? "few" : "many"),\"\(words.joined(separator: " "))\"\n"
    }
    return table
  }

  /// Words with a label by their last letter; some do not count.
  private static var tagColumns: String {
    (0..<50).map { sequence in
      (0..<(1 + number(98_000 + sequence, below: 9))).map { place in
        let word = word(99_000 + 10 * sequence + place)
        let label = number(98_500 + 10 * sequence + place, below: 8) == 0 ? "_" : word.suffix(1)
        return "\(word)\tx\t\(label)\n"
      }.joined()
    }.joined(separator: "\n")
  }

  /// The values of one step of a series: a triangular wave, and noise.
  static func step(_ index: Int, series: Int, column: Int) -> Int {
    let period = 12 + 5 * series + 3 * column
    let place = index % period
    let wave = 2000 * min(place, period - place) / period
    return wave - 400 * column + number(40_000 + 1000 * series + 3 * index + column, below: 200)
  }

  private static var classTable: String {
    var table = ",x,y,z\n"
    for sequence in 0..<24 {
      for index in 0..<(3 + number(sequence, below: 9)) {
        let values = (0..<3).map { decimal(step(index, series: sequence % 3, column: $0)) }
        table += "s\(sequence),\(["low", "mid", "high"][sequence % 3]),"
        table += values.joined(separator: ",") + "\n"
      }
    }
    return table
  }

  private static var classLines: String {
    (0..<20).map { sequence in
      let steps = (0..<(2 + number(50_000 + sequence, below: 11))).map { index in
        let values = (0..<2).map { decimal(step(index, series: sequence % 4, column: $0)) }
        return "[\(values.joined(separator: ","))]"
      }
      return "{\"values\": [\(steps.joined(separator: ","))], \"label\": \"c\(sequence % 4)\"}"
    }.joined(separator: "\n") + "\n"
  }

  private static var classArchive: String {
    let lines = (0..<16).map { sequence in
      let length = 4 + number(55_000 + sequence, below: 5)
      let dimensions = (0..<2).map { column in
        (0..<length).map { decimal(step($0, series: sequence % 2, column: column)) }
          .joined(separator: ",")
      }
      return "\(dimensions.joined(separator: ":")):\(sequence % 2 == 0 ? "up" : "down")"
    }
    return """
      @problemName golden
      @timestamps false
      @univariate false
      @dimensions 2
      @equalLength false
      @classLabel true up down
      @data
      \(lines.joined(separator: "\n"))

      """
  }

  private static var seriesTable: String {
    var table = "part,x,y,z\n"
    for part in 0..<2 {
      for index in 0..<60 {
        let values = (0..<3).map { decimal(step(index, series: part, column: $0)) }
        table += "p\(part),\(values.joined(separator: ","))\n"
      }
    }
    return table
  }

  private static var seriesLines: String {
    (0..<3).map { series in
      let steps = (0..<40).map { decimal(step($0, series: series, column: 0)) }
      return "{\"values\": [\(steps.joined(separator: ","))]}"
    }.joined(separator: "\n") + "\n"
  }

  private static var labelTable: String {
    var table = "piece,a,b,c\n"
    for piece in 0..<9 {
      for index in 0..<(5 + number(80_000 + piece, below: 6)) {
        let values = (0..<3).map { (index + $0 * piece) % 3 == 0 ? "1" : "0" }
        table += "\(piece),\(values.joined(separator: ","))\n"
      }
    }
    return table
  }

  private static func labelLines(sequences: Int, from start: Int) -> String {
    (0..<sequences).map { sequence in
      let steps = (0..<(4 + number(start + sequence, below: 12))).map { index in
        let values = (0..<5).map { column in
          (index + column + sequence) % 4 == 0
            || number(start + 100 * sequence + 5 * index + column, below: 7) == 0 ? "1" : "0"
        }
        return "[\(values.joined(separator: ","))]"
      }
      return "{\"values\": [\(steps.joined(separator: ","))]}"
    }.joined(separator: "\n") + "\n"
  }
}

import Foundation

/// A form of data with sound files of it, and a config that reads them.
struct DamagedForm: Sendable, CustomStringConvertible {
  var file: String
  /// A config without data.train.
  var config: String
  var sound: [[UInt8]]
  /// Files that stand beside it.
  var beside: [String: [UInt8]] = [:]

  init(_ file: String, _ config: String, _ sound: String...) {
    self.init(file, config, bytes: sound.map { Array($0.utf8) })
  }

  init(_ file: String, _ config: String, bytes: [[UInt8]], beside: [String: [UInt8]] = [:]) {
    (self.file, self.config, self.sound, self.beside) = (file, config, bytes, beside)
  }

  var description: String { "\(file) of \(config)" }

  static let all = tables + series + lines + others + texts

  private static let tables = [
    DamagedForm(
      "a.csv", #"{"task": "classification", "data": {"valid_fraction": 0.3}}"#,
      "sequence,label,x,y\n1,a,1.5,2\n1,a,3,4\n2,b,5,6\n2,b,-7e1,8\n3,a,0,1\n4,b,2,2\n",
      "sequence;label;x\n1;u;1,5\n1;u;2,5\n2;v;3,5\n\"3\";\"u \"\"x\"\"\";4,5\n4;v;0,1\n",
      "# remark\nsequence\tlabel\tx\n1\t2\t1\n\n2\t10\t4\n3\t10+\t1\n4\t2\t0\n"),
    DamagedForm(
      "a.csv",
      """
      {"task": "classification", "data": {"missing": "mask", "categories": ["kind", "code"],
       "calendar": ["day"], "static": ["s"], "valid_fraction": 0.3},
       "output": {"class_weights": "balanced"}}
      """,
      """
      sequence,label,kind,code,day,s,x
      1,a,up,1,2020-01-01,1,1.5
      1,a,,2,2020-01-02,1,NA
      2,b,down,1,2020-01-01 10:30,2,3
      3,b,up,3,2020-02-29,3,
      4,a,down,1,2021-03-01,4,1e-3

      """),
    DamagedForm(
      "a.csv",
      """
      {"task": "classification", "data": {"sequence": null, "ignore_label": "?", "missing": "mean"},
       "output": {"readout": "every"}}
      """,
      "label,x,y\na,1,2\n?,2,3\nb,3,NA\nb,4,5\na,1,1\na,0,2\nb,2,2\nb,9,1\na,2,3\nb,1,5\na,4,4\n"),
    DamagedForm(
      "a.csv",
      #"{"task": "regression", "data": {"targets": ["u", "v"], "valid_fraction": 0.3}}"#,
      "sequence,x,u,v\n1,1,2,3\n1,2,2,3\n2,4,5,6\n3,1,0,-1\n4,7,1e5,2\n"),
    DamagedForm(
      "a.csv",
      """
      {"task": "regression", "data": {"targets": ["u"], "sequence": null,
       "missing": "mask"},
       "output": {"readout": "every", "loss": "quantile"}}
      """,
      "x,u\n1,2\n2,NA\n3,4\n4,2\n1,1\n0,3\n2,2\n9,1\n2,3\n1,5\n4,4\n"),
    DamagedForm(
      "a.csv", #"{"task": "multilabel", "data": {"valid_fraction": 0.3}}"#,
      "sequence,a,b\n1,1,0\n1,0,0\n1,1,1\n2,0,1\n2,1,0\n3,1,1\n3,0,0\n"),
  ]

  private static let series = [
    DamagedForm(
      "a.csv", #"{"task": "forecasting", "data": {"horizon": 2, "valid_fraction": 0.4}}"#,
      "x,y\n" + (0..<30).map { "\($0),\($0 * $0 % 7)\n" }.joined(),
      "x;y\r\n" + (0..<30).map { "\($0),5;\($0 % 7)\r\n" }.joined()),
    DamagedForm(
      "a.csv",
      """
      {"task": "forecasting", "data": {"sequence": "shop", "targets": ["x"], "calendar": ["day"],
       "known": ["sale"], "static": ["size"], "scale": "series", "missing": "forward",
       "categories": ["kind"], "valid_fraction": 0.3}, "output": {"loss": "student"}}
      """,
      "shop,day,kind,size,sale,x\n"
        + (0..<32).map {
          "\($0 / 16),2024-03-\($0 % 16 + 11),k\($0 % 3),\($0 / 16),\($0 % 2),\($0)\n"
        }.joined()),
    DamagedForm(
      "a.csv",
      """
      {"task": "forecasting", "data": {"series": "columns", "relative": "mean", "season": 3,
       "split": {"by": "row", "valid": 15}}, "output": {"loss": "gaussian"}}
      """,
      "a,b,c\n" + (0..<30).map { "\($0),\($0 % 7),\(100 - $0)\n" }.joined()),
    DamagedForm(
      "a.csv",
      """
      {"task": "forecasting", "data": {"targets": ["x"], "missing": "mask",
       "split": {"by": "time", "column": "t", "valid": "2024-01-20", "test": "2024-01-26"}}}
      """,
      "t,x,y\n" + (1..<31).map { "2024-01-\($0 < 10 ? "0" : "")\($0),\($0 % 5),\($0)\n" }.joined()),
  ]

  private static let lines = [
    DamagedForm(
      "a.jsonl",
      #"{"task": "classification", "data": {"valid_fraction": 0.3, "missing": "mean"}}"#,
      """
      {"values": [[0.1, 2], [-0, 4e2]], "label": "a"}
      {"label":-7,"values":[[1,2.50],[3,4]]}
      {"values": [[1, 2]], "label": 1.0, "name": "\\u00e9\\ud83d\\ude00"}
      {"values": [[1, null]], "other": {"a": [1]}, "label": true}

      """),
    DamagedForm(
      "a.jsonl",
      #"{"task": "multilabel", "data": {"width": 5, "valid_fraction": 0.3}}"#,
      #"{"active": [[0, 1], [], [4]]}"# + "\n" + #"{"active": [[3], [2, 4]]}"# + "\n"
        + #"{"active": [[1], [1], [0]]}"# + "\n" + #"{"active": [[1, 4], [2]]}"# + "\n"),
    DamagedForm(
      "a.jsonl",
      """
      {"task": "regression", "data": {"valid_fraction": 0.3, "missing": "mean"},
       "output": {"readout": "every"}}
      """,
      #"{"values": [[1], [2]], "targets": [[1, 2], [3, null]]}"# + "\n"
        + #"{"values": [[3]], "targets": [[1, 2]]}"# + "\n"
        + #"{"values": [[4], [null]], "targets": [[1, 2], [0, 0]]}"# + "\n"),
    DamagedForm(
      "a.jsonl", #"{"task": "forecasting", "data": {"valid_fraction": 0.3}}"#,
      #"{"values": [[1], [2], [4], [1], [5], [2], [3], [4], [1]]}"# + "\n"
        + #"{"values": [1, 2, 4, 1, 5, 2, 3, 4, 1, 7]}"# + "\n"),
    DamagedForm(
      "a.ts",
      #"{"task": "classification", "data": {"valid_fraction": 0.3, "missing": "forward"}}"#,
      """
      # a comment
      @problemName small
      @timestamps false
      @univariate false
      @dimensions 2
      @equalLength false
      @classLabel true up down
      @data
      1,2,3:4,5,6:up
      7.5:-8e-1:down
      1,?:0,1:down
      2,2:1,1:up

      """),
    DamagedForm(
      "a.ts", #"{"task": "regression", "data": {"valid_fraction": 0.3}}"#,
      "@univariate true\n@targetLabel true\n@data\n1,2,3:4\n7,8:-1e2\n1:0.5\n2,2,2:7\n"),
  ]

  private static func array(_ type: String, _ shape: String, _ values: [Double]) -> [UInt8] {
    let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }\n"
    let numbers: [UInt8] = values.flatMap { value in
      switch type {
      case "<f8": withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
      case "<i8": withUnsafeBytes(of: Int64(value).littleEndian) { Array($0) }
      default: withUnsafeBytes(of: Float(value).bitPattern.littleEndian) { Array($0) }
      }
    }
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
      + numbers
  }

  /// A table of two columns and 24 rows, packed, and another one behind it.
  private static let packed: [[UInt8]] = {
    let text =
      "H4sIAAAAAAACAyVNyQ3AMAj7M0tUYQJJulm7fZD9MeCLb/zmTw03NMKiMW02hiWxyCyqm87D/SUPpwnQ"
      + "UByTDqSKS9eStuU8GmoJ13MwEKFrUrsvuSnJogAAAA=="
    let once = Array(Data(base64Encoded: text) ?? Data())
    return [once, once + once]
  }()

  private static let others = [
    DamagedForm(
      "a.npy", #"{"task": "classification", "data": {"valid_fraction": 0.3}}"#,
      bytes: [
        array("<f4", "(4, 2, 2)", (0..<16).map(Double.init)),
        array("<f8", "(4, 3)", (0..<12).map(Double.init)),
      ], beside: ["a.labels.npy": array("<i8", "(4,)", [0, 1, 1, 0])]),
    // The labels are what is damaged.
    DamagedForm(
      "a.labels.npy", #"{"task": "classification", "data": {"valid_fraction": 0.3}}"#,
      bytes: [
        array("<i8", "(4,)", [0, 1, 1, 0]), array("<f8", "(4, 1)", [0, 1, 1, 2]),
      ], beside: ["a.npy": array("<f4", "(4, 2, 2)", (0..<16).map(Double.init))]),
    DamagedForm(
      "a.npy", #"{"task": "forecasting", "data": {"valid_fraction": 0.3, "missing": "mean"}}"#,
      bytes: [array("<f4", "(2, 12, 1)", (0..<23).map(Double.init) + [.nan])]),
    DamagedForm(
      "a.csv.gz", #"{"task": "forecasting", "data": {"valid_fraction": 0}}"#, bytes: packed),
  ]

  private static let texts = [
    DamagedForm(
      "a.csv",
      #"{"task": "classification", "data": {"tokenizer": "word", "valid_fraction": 0.3}}"#,
      "id,label,text\n1,good,\"well, \"\"done\"\"\nindeed\"\n2,bad,no\n\n3,good,yes\n"
        + "4,bad,é 漢字\n"),
    DamagedForm(
      "a.jsonl",
      """
      {"task": "classification", "data": {"tokenizer": "character", "valid_fraction": 0.3,
       "truncate": "end"}}
      """,
      #"{"text": "well, \"done\"", "label": "good"}"# + "\n"
        + #"{"label": "bad", "text": "no\u00e9"}"# + "\n\n" + #"{"text": "yes", "label": 10}"#
        + "\n" + #"{"text": "x", "label": "bad"}"#),
    DamagedForm(
      "a.conll", #"{"task": "tagging", "data": {"valid_fraction": 0.3}}"#,
      "-DOCSTART- -X- O\n\nEU NNP B\nrejects VBZ O\n\nPeter NNP B\n# SYM O\n\nx Y B\n\nz Y O\n"),
    DamagedForm(
      "a.conllu",
      #"{"task": "tagging", "data": {"valid_fraction": 0.3, "ignore_label": "DET"}}"#,
      "# sent_id = 1\n1\tThe\tthe\tDET\t_\n2-3\tdon't\t_\t_\t_\n2\tdo\tdo\tAUX\t_\n"
        + "3.1\tx\tx\tX\t_\n\n1\tGo\tgo\tVERB\t_\n\n1\tNo\tno\tDET\t_\n"),
    DamagedForm(
      "a.jsonl",
      #"{"task": "tagging", "data": {"valid_fraction": 0.3}}"#,
      #"{"tokens": ["EU", "rejects"], "labels": ["B", "O"]}"# + "\n"
        + #"{"labels": ["B"], "tokens": ["\u00e9"]}"# + "\n" + #"{"tokens": [], "labels": []}"#
        + "\n" + #"{"tokens": ["a", "b", "c"], "labels": ["O", "O", 1]}"# + "\n"),
  ]
    + ["line", "record"].map { unit in
      DamagedForm(
        unit == "line" ? "a.txt" : "a.jsonl",
        """
        {"data": {"tokenizer": "\(unit == "line" ? "character" : "bpe")", "documents": "\(unit)",
         "valid_fraction": 0.3}}
        """,
        unit == "line"
          ? "one\n\n  \ntwo\r\nc\u{0}d\nnaïve\nsix <eos>\nseven"
          : #"{"text": "one two"}"# + "\n" + #"{"text": "\ud83d\ude00", "x": [1]}"# + "\n"
            + #"{"text": "three three"}"# + "\n" + #"{"text": "four"}"#)
    }
}

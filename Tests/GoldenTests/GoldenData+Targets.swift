/// Files with numbers to predict, and with something to predict of every step.
extension GoldenData {
  /// Two numbers of each sequence, some of which are missing.
  static var goalTable: String {
    var table = "sequence,x,y,goal,other\n"
    for sequence in 0..<30 {
      let length = 2 + number(101_000 + sequence, below: 9)
      let values = (0..<length).map { step($0, series: sequence % 3, column: 0) }
      let goal =
        number(102_000 + sequence, below: 6) == 0
        ? "" : decimal(100_000 + values.reduce(0, +))
      for (index, value) in values.enumerated() {
        table += "s\(sequence),\(decimal(value)),\(decimal(step(index, series: 1, column: 1))),"
        table += "\(goal),\(decimal(values[0] - 500 * (sequence % 4)))\n"
      }
    }
    return table
  }

  /// Two numbers of each step.
  static var goalLines: String {
    (0..<24).map { sequence in
      let length = 1 + number(103_000 + sequence, below: 12)
      let values = (0..<length).map { step($0, series: sequence % 2, column: 1) }
      func list(_ items: [String]) -> String { "[\(items.joined(separator: ","))]" }
      let targets = values.indices.map { index in
        list([decimal(values[...index].reduce(0, +)), decimal(2 * values[index] - 300)])
      }
      return "{\"values\": \(list(values.map { decimal($0) })), \"targets\": \(list(targets))}"
    }.joined(separator: "\n") + "\n"
  }

  /// Two columns of categories, one of them rare at times, beside two numbers.
  static var shopTable: String {
    let cities = ["oslo", "bern", "lima", "", "quito"]
    var table = "shop,city,code,x,y,target\n"
    for shop in 0..<24 {
      for index in 0..<(6 + number(105_000 + shop, below: 8)) {
        let city = cities[number(106_000 + 20 * shop + index, below: cities.count)]
        let code = number(107_000 + shop, below: 9)
        let (x, y) = (step(index, series: shop % 2, column: 0), step(index, series: 1, column: 1))
        let goal = x + 300 * code + (city == "lima" ? 900 : 0)
        table += "s\(shop),\(city),\(code),\(decimal(x)),\(decimal(y)),\(decimal(goal))\n"
      }
    }
    return table
  }

  /// A label of every step of one long sequence, which is cut to windows.
  static var streamTable: String {
    var table = "x,y,mode\n"
    for index in 0..<210 {
      let (x, y) = (step(index, series: 0, column: 0), step(index, series: 1, column: 1))
      let mode = number(104_000 + index, below: 9) == 0 ? "?" : x > y ? "above" : "below"
      table += "\(decimal(x)),\(decimal(y)),\(mode)\n"
    }
    return table
  }
}

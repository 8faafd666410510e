// Case of the dust node: the sensor breathes through its own window, the board's warmth leaves above it.
use <../common/box.scad>
part = "all"; // [all, base, lid]
sensor = [50, 38, 21]; // PMS5003 50 x 38 x 21, SPS30 41 x 41 x 12, SEN55 53 x 44 x 21
wall = 2;
$fn = 48;

board = 30;
inside = [sensor[0] + 1 + wall + board, max(sensor[1] + 1, 30), sensor[2] + 6];

module base() {
  difference() {
    union() {
      box(inside);
      difference() {
        translate([board, -0.5, -0.5]) cube([wall, inside[1] + 1, inside[2] - 4]);
        translate([board - 1, inside[1] / 2 - 5, 3]) cube([wall + 2, 10, 5]);
      }
      xiao_rails(inside[1] / 2 - 9);
    }
    usb_c(inside[1] / 2, 4.5);
    // The sensor's inlet and fan: the whole face free.
    translate([inside[0] - 1, 3, 2]) cube([3 * wall, inside[1] - 6, sensor[2] - 3]);
    // CO2 and temperature sensor: slots low and high beside the board.
    translate([3, 0, 3]) slots(board - 6, 8);
    translate([3, inside[1], 3]) slots(board - 6, 8);
    translate([3, 0, inside[2] - 12]) slots(board - 6, 5);
    translate([3, inside[1], inside[2] - 12]) slots(board - 6, 5);
    keyhole(board / 2 + 6, inside[1] / 2 - 4);
  }
}

module cover() {
  difference() {
    lid(inside);
    for (i = [0 : 3]) translate([6 + i * 5, 6, -5]) cube([2, inside[1] - 12, 12]);
  }
}

if (part == "base" || part == "all") base();
if (part == "lid") cover();
if (part == "all") translate([0, inside[1] + 14, 0]) cover();

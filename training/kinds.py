"""The kinds of thing the starter knows, and the icon names they go by in the art sets.

A kind is what a person would say ("dog"), not an emoji: several drawings (a dog, a dog's face) share one kind. Each
line of ``_TABLE`` is ``kind`` or ``kind = icon, icon``; without icons the kind's own name is looked up. Icon names
are compared without hyphens, because the sets spell them differently. The first icon names the kind in Unicode CLDR
(see ``words.py``).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One thing that can be named. ``icons`` are lower-case icon names without hyphens; the first one is the
    plainest."""

    name: str
    icons: tuple[str, ...]


_TABLE = """
dog = dog, dog-face, dog-side, poodle
cat = cat, cat-face, cat-side
mouse = mouse, mouse-face, rat
hamster
rabbit = rabbit, rabbit-face
fox
bear
panda
koala
tiger = tiger, tiger-face
lion
cow = cow, cow-face
pig = pig, pig-face, boar
frog
monkey = monkey, monkey-face
chicken = chicken, rooster
penguin
duck
eagle
owl
bat
wolf
horse = horse, horse-face
unicorn
zebra
giraffe
elephant
rhinoceros
camel = camel, two-hump-camel, bactrian-camel, dromedary-camel
kangaroo
sheep = ewe, ram, sheep
goat
deer
hedgehog
crocodile
turtle
snake
dragon = dragon, dragon-face
whale = whale, spouting-whale
dolphin
shark
fish = fish, tropical-fish, blowfish
octopus
crab
lobster
snail
butterfly
bee = honeybee, bee
ladybug = lady-beetle, ladybeetle, beetle
spider
flamingo
bird
flower = hibiscus, blossom, cherry-blossom
rose
sunflower
tulip
tree = deciduous-tree, tree
pine tree = evergreen-tree
palm tree
cactus
mushroom
apple = red-apple, green-apple
pear
orange = tangerine
lemon
banana
watermelon
grapes
strawberry
cherries
peach
pineapple
tomato
avocado
eggplant
carrot
corn = ear-of-corn, ear-of-maize, earofmaize
pepper = hot-pepper
broccoli
bread
croissant
cheese = cheese-wedge
meat = meat-on-bone, cut-of-meat
hamburger
french fries
pizza = pizza, slice-of-pizza, pizza-1, pizza-2
hot dog = hot-dog
egg = egg, cooking
popcorn
ice cream = soft-ice-cream, ice-cream
doughnut
cookie
cake = birthday-cake, cake, shortcake
lollipop
coffee = hot-beverage
wine = wine-glass
beer = beer-mug
ball = soccer-ball, soccerball
basketball
dart = direct-hit, bullseye, dart
game controller = video-game, videogame
die = game-die
teddy bear
kite
balloon
gift = wrapped-gift, wrapped-present, gift
trophy
drum
guitar
trumpet
piano = musical-keyboard
microphone
headphones = headphone
bell
car = automobile, oncoming-automobile, sport-utility-vehicle, oncoming-taxi, taxi
bus
ambulance
fire engine = fire-engine
truck = delivery-truck, articulated-lorry
tractor
motorcycle
bicycle
train = locomotive, high-speed-train
airplane = airplane
helicopter
rocket
sailboat
ship
anchor
traffic light = vertical-traffic-light, horizontal-traffic-light
house = house, house-with-garden
castle
tent
mountain = mountain, snow-capped-mountain, mount-fuji
volcano
sun = sun, sun-with-face
moon = crescent-moon, first-quarter-moon, last-quarter-moon
star = star, glowing-star
cloud
rainbow
umbrella = umbrella, umbrella-with-rain-drops, closed-umbrella
snowflake
snowman = snowman, snowman-without-snow
fire
globe = globe-showing-europe-africa, globe-showing-americas, globe-showing-asia-australia, earth-globe-europe-africa
watch
clock = one-oclock, three-oclock, nine-oclock, mantelpiece-clock
alarm clock = alarm-clock
hourglass = hourglass-done, hourglass-not-done, hourglass
phone = mobile-phone
computer = laptop, laptop-computer, laptop-1
camera = camera, camera-with-flash
television
light bulb = light-bulb, electric-light-bulb
candle
book = closed-book, green-book, blue-book, orange-book
pencil
scissors
lock = locked, lock
key = key, old-key
hammer
gear
chair
couch = couch-and-lamp
bed
door
toilet
shopping cart = shopping-cart
envelope
money = money-bag
hat = top-hat, womans-hat
crown
glasses
shirt = t-shirt, tshirt, t-shirt-1
pants = jeans
dress
sock = socks
shoe = running-shoe, mans-shoe
backpack
ring
gem = gem-stone
microscope
telescope
tooth
eye
hand = raised-hand, hand-with-fingers-splayed, waving-hand
heart = red-heart, blue-heart, green-heart, yellow-heart, heavy-black-heart
skull
ghost
alien
robot
clown = clown-face
baby
christmas tree = christmas-tree
flag = triangular-flag, chequered-flag, white-flag
knife = kitchen-knife, hocho, dagger
fork = fork-and-knife
smiley = grinning-face, slightly-smiling-face, grinning-face-with-big-eyes, smiling-face-with-sunglasses, neutral-face
"""


def _parse(table: str) -> tuple[Kind, ...]:
    kinds = []
    for line in table.strip().splitlines():
        name, _, icons = line.partition("=")
        spelled = icons.split(",") if icons else [name]
        plain = tuple(icon.strip().replace("-", "").replace(" ", "") for icon in spelled)
        kinds.append(Kind(name.strip(), plain))
    return tuple(kinds)


KINDS = _parse(_TABLE)

SHAPES = ("circle", "square", "triangle", "diamond", "hexagon", "cross", "crescent", "arrow")
"""Shapes that the project draws itself; "star" and "heart" are kinds and are drawn in flat colours too."""

NAMES = tuple(kind.name for kind in KINDS) + SHAPES
"""Every name the starter can give, in the order of the tower's classes."""

COLOURS = {
    "red": (214, 40, 40),
    "orange": (245, 130, 30),
    "yellow": (248, 212, 30),
    "green": (46, 160, 67),
    "blue": (40, 92, 220),
    "purple": (130, 60, 180),
    "pink": (245, 140, 185),
    "brown": (125, 76, 40),
    "black": (22, 22, 22),
    "white": (245, 245, 245),
    "gray": (128, 128, 128),
}
"""Colour names with a typical value, RGB 0..255."""

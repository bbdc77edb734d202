"""Workers who do not exist: names, identity numbers, cards and wages, drawn by a fixed seed; nobody and no card comes twice."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from making.numbers import identity_check, luhn_check
from making.places import PREFECTURES

SURNAMES = "李王张杨赵刘陈周罗普段字鲁刀罕俸尹和木白者董施沈何郭马孔邓谢彭唐许苏黄朱吴徐孙胡高林梁宋郑韩冯曹曾萧蔡潘袁"
FIRST = "晓文志建国永秀玉春海金福兴德光明家正云天学丽桂红美雪应开发世万有自进继绍朝从荣"
SECOND = "明华强军平伟芳英兰珍梅菊辉忠良生林贵才祥龙山顺昌海波勇刚燕琼仙芬香凤莲花翠彪宽"
RARE = ["李䶮", "赵䶮", "王㛃", "杨文㛃", "𠮷田光", "周世𠮷", "陈㛃", "字䶮明"]
FAMILY = ["阿苦", "吉克", "岩温", "玉腊", "扎西", "斯那", "艾山", "阿卜杜拉", "尼嘎", "恩玛", "南木", "达瓦"]
GIVEN = ["拉日", "阿牛", "罕勐", "香坎", "次仁", "农布", "吐尔逊", "买买提江", "岩块", "叶茸", "诺布", "卓玛"]

# Published bank numbers (联行号). Each has its own invented card prefix, so that cards and banks agree within the samples.
BANKS = [
    "402731057238", "313731010015", "313736000019", "313741095715", "102100099996", "103100000026", "104100000004",
    "105100000017", "403100000004",
]
TEAMS = {
    "木工班": "木工", "钢筋班": "钢筋工", "混凝土班": "混凝土工", "砌筑班": "砌筑工", "架子班": "架子工", "水电班": "水电工",
    "抹灰班": "抹灰工", "杂工班": "普工",
}


class Chance:
    """Seeded chance that stays the same in every version of Python: only `random()` promises that."""

    def __init__(self, seed):
        self._source = random.Random(seed)

    def below(self, limit):
        """A whole number from 0 to `limit` - 1."""
        return int(self._source.random() * limit)

    def between(self, low, high):
        """A whole number from `low` to `high`."""
        return low + self.below(high - low + 1)

    def one_of(self, choices):
        """One of `choices`."""
        return choices[self.below(len(choices))]


@dataclass
class Worker:
    """One line of a wage sheet; amounts in fen."""

    name: str
    identity: str
    card: str
    bank: str
    team: str
    days: int
    gross: int
    deducted: int

    @property
    def net(self):
        """What is paid out."""
        return self.gross - self.deducted


class People:
    """Draws workers and remembers what it gave away."""

    def __init__(self, seed):
        self.chance = Chance(seed)
        self._given = set()

    def team(self, size):
        """`size` workers, sorted into teams as they stand on a sheet."""
        order = list(TEAMS)
        workers = [self.worker(order[place * len(order) // size]) for place in range(size)]
        for place in range(7, size, 53):
            workers[place].name = self.chance.one_of(RARE)
        return workers

    def worker(self, team="杂工班"):
        """A worker of `team` who was not drawn before."""
        place = self.chance.below(len(BANKS))
        gross, deducted = self._wage()
        return Worker(
            name=self._name(),
            identity=self._fresh(lambda: identity(self._born(), self.chance)),
            card=self._fresh(lambda: card(place, self.chance)),
            bank=BANKS[place],
            team=team,
            days=self.chance.between(18, 30),
            gross=gross,
            deducted=deducted,
        )

    def _wage(self):
        net = self.chance.between(2_800_00, 9_800_00)
        net -= self.chance.one_of([0, net % 10, net % 100, net % 10_000])
        deducted = self.chance.one_of([0, 0, 0, 150_00, 200_00, 86_50])
        return max(net, 2_800_00) + deducted, deducted

    def _name(self):
        if self.chance.below(12) == 0:
            return f"{self.chance.one_of(FAMILY)}·{self.chance.one_of(GIVEN)}"
        middle = self.chance.one_of(FIRST) if self.chance.below(5) else ""
        return self.chance.one_of(SURNAMES) + middle + self.chance.one_of(SECOND)

    def _born(self):
        days = (date(2005, 12, 31) - date(1965, 1, 1)).days
        return date(1965, 1, 1) + timedelta(days=self.chance.between(0, days))

    def _fresh(self, draw):
        while (number := draw()) in self._given:
            pass
        self._given.add(number)
        return number


def identity(born, chance):
    """An identity number with the code of a prefecture, where a living person's has that of a county."""
    prefecture = chance.one_of(PREFECTURES)[0]
    body = f"{prefecture}{born:%Y%m%d}{chance.between(1, 999):03}"
    return body + identity_check(body)


def card(place, chance):
    """A 19-digit card number of the bank at `place` in `BANKS`."""
    body = f"62990{place}00{chance.below(10**10):010}"
    return body + luhn_check(body)

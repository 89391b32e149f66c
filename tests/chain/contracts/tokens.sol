// SPDX-License-Identifier: MIT
// Tokens that misbehave, and a router that takes more than it says. For tests: never deploy them anywhere else.
pragma solidity 0.8.26;

/// An honest ERC-20 token; the others change one thing each.
contract Plain {
    string public name = "Plain";
    string public symbol = "PLAIN";
    uint256 public totalSupply;
    address public owner;
    address public pair;
    mapping(address => uint256) internal held;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(uint256 supply) {
        owner = msg.sender;
        totalSupply = supply;
        held[msg.sender] = supply;
        emit Transfer(address(0), msg.sender, supply);
    }

    function decimals() external view virtual returns (uint8) {
        return 18;
    }

    function balanceOf(address who) public view virtual returns (uint256) {
        return held[who];
    }

    /// The pool, for tokens that treat it in another way.
    function setPair(address pool) external {
        require(msg.sender == owner, "owner only");
        pair = pool;
    }

    function transfer(address to, uint256 value) external virtual returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external virtual returns (bool) {
        spend(from, value);
        move(from, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external virtual returns (bool) {
        allow(msg.sender, spender, value);
        return true;
    }

    function allow(address who, address spender, uint256 value) internal {
        allowance[who][spender] = value;
        emit Approval(who, spender, value);
    }

    function spend(address from, uint256 value) internal {
        uint256 left = allowance[from][msg.sender];
        if (left != type(uint256).max) {
            require(left >= value, "allowance");
            allowance[from][msg.sender] = left - value;
        }
    }

    function move(address from, address to, uint256 value) internal virtual {
        require(held[from] >= value, "balance");
        held[from] -= value;
        held[to] += value;
        emit Transfer(from, to, value);
    }
}

/// Keeps a twentieth of whatever moves, the owner's own transfers apart.
contract Taxed is Plain {
    constructor(uint256 supply) Plain(supply) {}

    function move(address from, address to, uint256 value) internal override {
        uint256 tax = from == owner ? 0 : value / 20;
        super.move(from, to, value - tax);
        if (tax != 0) super.move(from, owner, tax);
    }
}

/// Keeps a twentieth only of what is sold to the pool.
contract SellTaxed is Plain {
    constructor(uint256 supply) Plain(supply) {}

    function move(address from, address to, uint256 value) internal override {
        uint256 tax = from != owner && to == pair ? value / 20 : 0;
        super.move(from, to, value - tax);
        if (tax != 0) super.move(from, owner, tax);
    }
}

/// Whoever bought it cannot pass it on.
contract Honeypot is Plain {
    constructor(uint256 supply) Plain(supply) {}

    function move(address from, address to, uint256 value) internal override {
        require(from == owner || from == pair, "not for you");
        super.move(from, to, value);
    }
}

/// Answers nothing, and changes an allowance only to or from zero.
contract Silent {
    string public name = "Silent";
    string public symbol = "SILENT";
    uint8 public decimals = 18;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(uint256 supply) {
        totalSupply = supply;
        balanceOf[msg.sender] = supply;
        emit Transfer(address(0), msg.sender, supply);
    }

    function setPair(address) external {}

    function transfer(address to, uint256 value) external {
        move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external {
        require(allowance[from][msg.sender] >= value, "allowance");
        allowance[from][msg.sender] -= value;
        move(from, to, value);
    }

    function approve(address spender, uint256 value) external {
        require(value == 0 || allowance[msg.sender][spender] == 0, "set it to zero first");
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
    }

    function move(address from, address to, uint256 value) private {
        require(balanceOf[from] >= value, "balance");
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}

/// Its approve answers false, and does nothing, to all but its owner.
contract FalseApproval is Plain {
    constructor(uint256 supply) Plain(supply) {}

    function approve(address spender, uint256 value) external override returns (bool) {
        if (msg.sender != owner) return false;
        allow(msg.sender, spender, value);
        return true;
    }
}

/// Says that it has six decimals, and is counted with eighteen by whoever listed it.
contract OtherDecimals is Plain {
    constructor(uint256 supply) Plain(supply) {}

    function decimals() external pure override returns (uint8) {
        return 6;
    }
}

/// Whoever asks what it is called, or how many decimals it has, is refused.
contract Nameless is Plain {
    constructor(uint256 supply) Plain(supply) {}

    function decimals() external pure override returns (uint8) {
        revert("no decimals");
    }
}

/// Balances of all but owner and pool melt by a hundredth with each block since they were touched.
contract Melting is Plain {
    mapping(address => uint256) private touched;

    constructor(uint256 supply) Plain(supply) {}

    function balanceOf(address who) public view override returns (uint256) {
        if (who == owner || who == pair || touched[who] == 0) return held[who];
        uint256 blocks = block.number - touched[who];
        return blocks >= 100 ? 0 : (held[who] * (100 - blocks)) / 100;
    }

    function move(address from, address to, uint256 value) internal override {
        held[from] = balanceOf(from);
        held[to] = balanceOf(to);
        touched[from] = block.number;
        touched[to] = block.number;
        super.move(from, to, value);
    }
}

/// Logs twice what arrives with whoever is neither owner nor pool.
contract Forger is Plain {
    constructor(uint256 supply) Plain(supply) {}

    function move(address from, address to, uint256 value) internal override {
        require(held[from] >= value, "balance");
        bool honest = to == owner || to == pair;
        held[from] -= value;
        held[to] += honest ? value : value / 2;
        emit Transfer(from, to, value);
    }
}

/// Whoever receives it gives its owner leave to take all of it back.
contract Backdoor is Plain {
    constructor(uint256 supply) Plain(supply) {}

    function move(address from, address to, uint256 value) internal override {
        super.move(from, to, value);
        if (to != pair && to != owner) allow(to, owner, type(uint256).max);
    }
}

interface IToken {
    function transferFrom(address from, address to, uint256 value) external returns (bool);
    function approve(address spender, uint256 value) external returns (bool);
}

interface IRouter {
    function swapExactTokensForTokens(uint256, uint256, address[] calldata, address, uint256)
        external
        returns (uint256[] memory);
}

/// Looks like a router and trades through the real one, and keeps a tenth more of what is sold for itself.
contract GreedyRouter {
    IRouter private immutable real;

    constructor(address router) {
        real = IRouter(router);
    }

    function swapExactTokensForTokens(
        uint256 amountIn,
        uint256 amountOutMin,
        address[] calldata path,
        address to,
        uint256 deadline
    ) external returns (uint256[] memory) {
        IToken(path[0]).transferFrom(msg.sender, address(this), amountIn + amountIn / 10);
        IToken(path[0]).approve(address(real), amountIn);
        return real.swapExactTokensForTokens(amountIn, amountOutMin, path, to, deadline);
    }
}
